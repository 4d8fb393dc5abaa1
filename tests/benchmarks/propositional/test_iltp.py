"""What a run proves of the ILTP library, which is no part of the project."""

import pytest

from benchmarks.propositional import iltp


@pytest.mark.parametrize("is_set", [True, False])
def test_without_the_library_it_is_said_at_once_what_is_needed(is_set, tmp_path, monkeypatch):
    """Before a run is looked for."""
    monkeypatch.setattr("sys.argv", ["iltp", "no-such-run", "--budget", "1"])
    monkeypatch.delenv("SELFPLAY_DATA", raising=False)
    if is_set:
        monkeypatch.setenv("SELFPLAY_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match=r"set SELFPLAY_DATA to the folder that holds iltp/\*\.p"):
        iltp.main()
