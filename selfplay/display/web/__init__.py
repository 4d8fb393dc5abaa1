"""Play in the browser: a page, and who answers it on the loopback address."""
