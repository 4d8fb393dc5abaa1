prelude
-- A Lean that comes without its library reads this in place of it: the connectives, equality, their
-- rules, and the law of excluded middle as an axiom. Names and arguments are those of Lean's
-- library, so where that is there, everything above the statements may be deleted.
set_option autoImplicit false
set_option linter.all false
set_option maxRecDepth 1000000
universe u v

-- What the compiler asks for, for any definition. The kernel lets no theorem rest on it.
unsafe axiom lcErased : Type
unsafe axiom lcAny : Type

inductive True : Prop where
  | intro : True

inductive False : Prop

def Not (a : Prop) : Prop := a → False

structure And (a b : Prop) : Prop where
  intro ::
  left : a
  right : b

inductive Or (a b : Prop) : Prop where
  | inl (h : a) : Or a b
  | inr (h : b) : Or a b

structure Iff (a b : Prop) : Prop where
  intro ::
  mp : a → b
  mpr : b → a

inductive Eq {α : Sort u} : α → α → Prop where
  | refl (a : α) : Eq a a

inductive Bool : Type where
  | false : Bool
  | true : Bool

inductive Option (α : Type u) where
  | none : Option α
  | some (val : α) : Option α

theorem False.elim {c : Prop} (h : False) : c :=
  False.rec (fun _ => c) h

theorem absurd {a b : Prop} (h : a) (n : Not a) : b :=
  False.elim (n h)

theorem Or.elim {a b c : Prop} (h : Or a b) (left : a → c) (right : b → c) : c :=
  Or.rec (motive := fun _ => c) left right h

theorem Eq.symm {α : Sort u} {a b : α} (h : Eq a b) : Eq b a :=
  Eq.rec (motive := fun c _ => Eq c a) (Eq.refl a) h

theorem Eq.trans {α : Sort u} {a b c : α} (h : Eq a b) (g : Eq b c) : Eq a c :=
  Eq.rec (motive := fun d _ => Eq a d) h g

theorem congrArg {α : Sort u} {β : Sort v} {a b : α} (f : α → β) (h : Eq a b) : Eq (f a) (f b) :=
  Eq.rec (motive := fun c _ => Eq (f a) (f c)) (Eq.refl (f a)) h

axiom Classical.em (p : Prop) : Or p (Not p)
