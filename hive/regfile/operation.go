package regfile

import "fmt"

// Kind is what an operation does.
type Kind int

// Kinds of operations.
const (
	CreateKey Kind = iota // with the keys above it; nothing where it exists
	DeleteKey             // with all below it
	SetValue
	DeleteValue
)

var kindNames = [...]string{"create key", "delete key", "set value", "delete value"}

// String names the kind, such as "create key".
func (k Kind) String() string {
	if k >= 0 && int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Types of data that have forms of their own in the text.
const (
	typeSZ       = 1
	typeExpandSZ = 2
	typeBinary   = 3
	typeDWord    = 4
	typeMultiSZ  = 7
)

// Operation is what one entry of a file asks for.
type Operation struct {
	Kind Kind
	// Key is the path of the key as in the file, its root included, such as
	// HKEY_LOCAL_MACHINE\SYSTEM\Select, with backslashes between names. Some
	// programs leave the root out; the path then begins with a backslash.
	Key string
	// Name is the name of the value, "" for the default value and for keys.
	Name string
	// Type and Data are those of the value that is set.
	Type uint32
	Data []byte

	Line, Column int // where it begins in the file, counted from 1
}

// SyntaxError says where a text is no .reg file, and why.
type SyntaxError struct {
	Line, Column int    // counted from 1, in characters
	Found        string // what is there
	Expected     string // what might be there instead

	reason error
}

// Unwrap returns ErrMixed, or nil.
func (e *SyntaxError) Unwrap() error { return e.reason }

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: found %s, want %s", e.Line, e.Column, e.Found, e.Expected)
}
