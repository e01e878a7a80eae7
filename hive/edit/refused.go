package edit

// OverrideForce is the flag of the command line that overrides a RefusedError
// which names it.
const OverrideForce = "--force"

// RefusedError is returned when an edit would be unsafe.
type RefusedError struct {
	Reason   string
	Override string // the flag that overrides it, such as OverrideForce; empty where nothing may
	Effect   string // what the flag does, where it does not just go on all the same
}

// Error returns the reason and, where there is one, the hint.
func (e *RefusedError) Error() string {
	if hint := e.Hint(); hint != "" {
		return e.Reason + "; " + hint
	}
	return e.Reason
}

// Hint says which flag overrides the refusal, empty where none does.
func (e *RefusedError) Hint() string {
	switch {
	case e.Override == "":
		return ""
	case e.Effect == "":
		return e.Override + " goes on all the same"
	}
	return e.Override + " " + e.Effect
}
