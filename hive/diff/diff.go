// Package diff compares two registry hives, or two keys, and tells how they
// differ, key by key and value by value:
//
//	for difference, err := range diff.Hives(a, b, diff.Options{}) {
//
// Lists of subkeys are sorted in sound hives, so that one pass over both is
// enough. The time grows with the size of the hives. No more is held in memory
// than the lists of the keys on the way down to the one that is being looked at,
// four bytes an entry, and one copy of each security descriptor.
//
// Keys and values belong together when Windows takes their names for the same.
// Data is compared byte for byte. What cannot be read comes as an error, and the
// comparison goes on with the rest.
package diff

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/escape"
	"hivepatch/hive/internal/regf"
)

// Aspects are what two keys or two values can differ in.
type Aspects uint16

// Aspects. Names, types and data are always compared, the others when Options
// ask for them.
const (
	Spelling Aspects = 1 << iota // of the name: upper and lower case
	Type                         // of a value
	Data                         // of a value
	Class                        // class name of a key
	Flags                        // of a key or value
	Security                     // security descriptor of a key
	Times                        // last write time of a key

	// All is everything that can be compared.
	All = Spelling | Type | Data | Class | Flags | Security | Times
)

// aspectNames are in the order of the bits.
var aspectNames = [...]string{"spelling", "type", "data", "class", "flags", "security", "time"}

// Names returns the names of the aspects.
func (a Aspects) Names() []string {
	var names []string
	for i, name := range aspectNames {
		if a&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String returns the names of the aspects, with commas between them.
func (a Aspects) String() string { return strings.Join(a.Names(), ", ") }

// Side is one of the two that are compared.
type Side uint8

// The two sides.
const (
	A Side = iota
	B
)

// String returns "A" or "B".
func (s Side) String() string { return string(rune('A' + s)) }

// Options say what is compared.
type Options struct {
	// Compare adds aspects to names, types and data: Class, Flags, Security and
	// Times. A key that is only on one side has all its aspects in any case.
	Compare Aspects
	// KeyA and KeyB are the paths of the keys to compare with all below them; ""
	// is the root. Where one of them does not exist, all of the other is only on
	// its side.
	KeyA, KeyB string
}

// Kind is how something differs.
type Kind uint8

// Kinds of differences.
const (
	OnlyA   Kind = iota // it is in A and not in B
	OnlyB               // it is in B and not in A
	Differs             // it is in both and differs
)

// Difference is a key or a value that differs.
type Difference struct {
	Kind    Kind
	IsValue bool
	// Path is that of the key: the key itself, or that of the value. It has the
	// names as A spells them, and as B does where A has no such key. The paths of
	// Options.KeyA stand before it.
	Path string
	// NoPath tells that Path does not lead to the key: one of the names is empty
	// or holds a backslash, which only a damaged hive has.
	NoPath bool
	// Below tells that the key above, or the key of the value, is only on that
	// side too, and was reported before.
	Below   bool
	Aspects Aspects // what differs, when Kind is Differs
	A, B    *Item   // nil on the side where it does not exist
}

// Item is a key or a value on one side. Its slices are the hive's own memory:
// they must not be changed and are valid until the next edit of the hive.
type Item struct {
	Name string // as stored, in WTF-8; "" for the default value

	Type hive.Type // of a value
	Data []byte    // of a value

	Class    string // of a key
	Security []byte // security descriptor of a key

	// Flags are those of a key as stored, without the one that tells how its name
	// is stored. Bits 16 to 19 are its user flags, 20 to 23 its virtualization
	// flags, and 24 to 31 the byte of a layered key, in hives of version 1.6. Of a
	// value the only known flag is 2: it is deleted in a layered key.
	Flags     uint32
	LastWrite time.Time // of a key
}

// ReadError says what could not be compared. It unwraps to the cause.
type ReadError struct {
	Side Side
	Path string // of the key, as Difference has it
	Err  error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("%s: key %s: %v", e.Side, escape.Path(e.Path), e.Err)
}

// Unwrap returns the cause, mostly a hive.FormatError.
func (e *ReadError) Unwrap() error { return e.Err }

// errOverlap ends a comparison that would not end by itself.
var errOverlap = fmt.Errorf("%w: records refer to each other without end, or share their data: there is more than the hive has room for", hive.ErrCorrupt)

// Hives compares two hives as they stand in memory, or the keys that the
// options name. Differences come in the order of the tree: a key, its values,
// its subkeys. Values come in the order of their lists as long as both sides
// agree in it, and else by name.
//
// An error is a ReadError. Differences that come with errors may be due to what
// could not be read. The one error that ends everything, when neither KeyA nor
// KeyB exists, wraps hive.ErrNotFound.
func Hives(a, b *hive.Hive, options Options) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		c, err := newComparer(a, b, options)
		if err != nil {
			yield(Difference{}, err)
			return
		}
		c.yield = yield
		c.compare()
	}
}

// Equal reports whether there is no difference. It returns the first error
// otherwise.
func Equal(a, b *hive.Hive, options Options) (bool, error) {
	for _, err := range Hives(a, b, options) {
		return false, err
	}
	return true, nil
}

// comparer is the state of one comparison.
type comparer struct {
	wanted Aspects
	sides  [2]side
	tops   [2]regf.KeyNode // the keys to compare
	exists [2]bool
	yield  func(Difference, error) bool

	levels      []level           // the keys from the top to the one being compared
	descriptors map[string]uint32 // numbers of security descriptors, by content
}

// level is a key on the way down, with what is known of it.
type level struct {
	node  regf.KeyNode // on side A, on B where A has none
	path  string
	built bool // path is there
	lost  bool // path does not lead to it
}

func newComparer(a, b *hive.Hive, options Options) (*comparer, error) {
	c := &comparer{wanted: options.Compare | Spelling | Type | Data, descriptors: map[string]uint32{}}
	paths := [2]string{options.KeyA, options.KeyB}
	var missing error
	for i, h := range []*hive.Hive{a, b} {
		image, err := regf.Parse(h.Bytes())
		if err != nil {
			return nil, &ReadError{Side(i), paths[i], err}
		}
		c.sides[i] = newSide(image)
		key, err := h.Key(paths[i])
		if err == nil {
			paths[i], c.exists[i] = key.Path(), true
			c.tops[i], err = image.KeyNode(regf.Offset(key.Offset() - regf.BaseBlockSize))
		}
		switch {
		case errors.Is(err, hive.ErrNotFound):
			missing = err
		case err != nil:
			return nil, &ReadError{Side(i), paths[i], err}
		}
	}
	if !c.exists[A] && !c.exists[B] {
		return nil, missing
	}
	top := level{node: c.tops[A], path: paths[A], built: true}
	if !c.exists[A] {
		top.node = c.tops[B]
		if options.KeyA == options.KeyB {
			top.path = paths[B]
		}
	}
	c.levels = []level{top}
	return c, nil
}

// compare compares the two keys that the options name.
func (c *comparer) compare() {
	switch {
	case !c.exists[B]:
		c.only(A, c.tops[A], false)
	case !c.exists[A]:
		c.only(B, c.tops[B], false)
	default:
		c.pair(c.tops[A], c.tops[B])
	}
}

// here is the key being compared, with its path.
func (c *comparer) here() *level {
	depth := len(c.levels) - 1
	for !c.levels[depth].built {
		depth--
	}
	for ; depth < len(c.levels)-1; depth++ {
		above, next := &c.levels[depth], &c.levels[depth+1]
		name := next.node.Name().String()
		next.path, next.built = name, true
		next.lost = above.lost || name == "" || strings.Contains(name, `\`)
		if above.path != "" {
			next.path = above.path + `\` + name
		}
	}
	return &c.levels[depth]
}

// difference begins a difference of the key being compared, or of a value of it.
func (c *comparer) difference(kind Kind) Difference {
	here := c.here()
	return Difference{Kind: kind, Path: here.path, NoPath: here.lost}
}

// fail reports an error of one side, and reports whether to go on.
func (c *comparer) fail(side Side, err error) bool {
	return c.yield(Difference{}, &ReadError{side, c.here().path, err})
}
