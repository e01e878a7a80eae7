// Package sddl writes security descriptors as text and reads them again, in
// Microsoft's Security Descriptor Definition Language:
//
//	O:BAG:SYD:PAI(A;CI;KA;;;SY)(A;CI;KR;;;BU)
//
// Descriptors are self-relative, as keys of the registry have them. Both forms
// are those of MS-DTYP: 2.4 for the bytes, 2.5.1 for the text.
//
// What decides over access is carried exactly. What does not is layout, and the
// text has no room for it: the order of the parts, padding behind entries and
// lists, the revision of a list, and the marks AUTO_INHERITED and
// AUTO_INHERIT_REQ of a list that the descriptor does not have. Everything else
// that the language cannot say is an error, as is a conditional entry.
//
// Some aliases, such as DA for the administrators of a domain, stand for
// accounts of the domain that a machine belongs to. A descriptor alone does not
// tell which domain that is: such accounts are written as S-1-5-21-…, and their
// aliases are refused.
package sddl

import (
	"errors"
	"fmt"
)

// Errors that callers branch on. They come wrapped, with the place and cause.
var (
	// ErrDescriptor is returned when the bytes are no sound self-relative
	// security descriptor.
	ErrDescriptor = errors.New("not a sound security descriptor")
	// ErrInexpressible is returned when a sound descriptor holds something that
	// the text cannot say.
	ErrInexpressible = errors.New("cannot be written as SDDL")
	// ErrSyntax is returned when the text is not SDDL, or says something that
	// cannot be made into a descriptor. A SyntaxError wraps it.
	ErrSyntax = errors.New("not valid SDDL")
)

// SyntaxError says where a text is not SDDL, and why. It unwraps to ErrSyntax.
type SyntaxError struct {
	Offset int    // bytes of the text before the fault
	Msg    string // what was found and what was expected
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%v at character %d: %s", ErrSyntax, e.Offset+1, e.Msg)
}

// Unwrap returns ErrSyntax.
func (e *SyntaxError) Unwrap() error { return ErrSyntax }

// Format returns the text of a self-relative security descriptor. It returns an
// error that wraps ErrDescriptor or ErrInexpressible.
func Format(descriptor []byte) (string, error) {
	d, err := decode(descriptor)
	if err != nil {
		return "", err
	}
	return d.format()
}

// Parse returns the self-relative security descriptor that a text describes,
// its parts in the order in which Windows writes them. Upper and lower case are
// the same, and blanks may stand between the parts and between entries. It
// returns a SyntaxError.
func Parse(text string) ([]byte, error) {
	p := parser{text: text}
	d, err := p.descriptor()
	if err != nil {
		return nil, err
	}
	return d.encode(), nil
}

// Canonical returns the descriptor in the layout that Parse gives it, so that
// descriptors which mean the same have the same bytes. It returns an error that
// wraps ErrDescriptor or ErrInexpressible.
func Canonical(descriptor []byte) ([]byte, error) {
	text, err := Format(descriptor)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}
