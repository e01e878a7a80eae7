package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// reader makes a policy of nodes. It takes nothing for anything else than what
// it is.
type reader struct {
	work int // done so far, see mostWork
}

// Tags of what a node holds.
const (
	tagText   = "!!str"
	tagNumber = "!!int"
	tagBool   = "!!bool"
	tagMerge  = "!!merge"
)

// enter returns the node, or the one that it refers to.
func (r *reader) enter(n *yaml.Node) (*yaml.Node, error) {
	at := position(n)
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if r.work += nodeWork + len(n.Value); r.work > mostWork {
		return nil, failf(at, "references make too much of the policy")
	}
	return n, nil
}

// describe says what a node is, for those who wanted something else.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == tagText:
		return fmt.Sprintf("the text %.40q", n.Value)
	case n.Tag == tagNumber, n.Tag == "!!float":
		return fmt.Sprintf("the number %.40s", n.Value)
	case n.Tag == tagBool:
		return n.Value
	}
	return n.ShortTag()
}

// wanted is the error for a node that is not what it should be.
func wanted(what, want string, n *yaml.Node) error {
	hint := ""
	if want == "text" && n.Kind == yaml.ScalarNode && n.Tag != "!!null" && strings.HasPrefix(n.Tag, "!!") {
		hint = ", which is text in quotes"
	}
	return failf(position(n), "%s: want %s, got %s%s", what, want, describe(n), hint)
}

// field is a field of a mapping.
type field struct {
	at    Position // of its name
	name  string   // as it is written
	value *yaml.Node
}

// fields reads a mapping with names out of known, each once at most.
func (r *reader) fields(n *yaml.Node, what string, known ...string) (map[string]field, error) {
	return r.mapping(n, what, func(name string, at Position) (string, error) {
		if !slices.Contains(known, name) {
			return "", failf(at, "%s: unknown field %.40q, want %s", what, name, strings.Join(known, ", "))
		}
		return name, nil
	})
}

// mapping reads a mapping. identify gives names an identity, by which none may
// come twice, or refuses them.
func (r *reader) mapping(n *yaml.Node, what string, identify func(name string, at Position) (string, error)) (map[string]field, error) {
	n, err := r.enter(n)
	if err != nil {
		return nil, err
	}
	if n.Kind != yaml.MappingNode {
		return nil, wanted(what, "a mapping", n)
	}
	found := map[string]field{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := r.enter(n.Content[i])
		if err != nil {
			return nil, err
		}
		at := position(n.Content[i])
		if key.Kind != yaml.ScalarNode || key.Tag != tagText && key.Tag != tagMerge {
			return nil, failf(at, "%s: the name of a field is text, not %s", what, describe(key))
		}
		identity, err := identify(key.Value, at)
		if err != nil {
			return nil, err
		}
		if key.Tag == tagMerge {
			return nil, failf(at, "%s: %.40q merges another mapping, which a policy cannot have", what, key.Value)
		}
		if before, twice := found[identity]; twice {
			return nil, failf(at, "%s: field %.40q comes twice, first at %s", what, key.Value, before.at)
		}
		found[identity] = field{at, key.Value, n.Content[i+1]}
	}
	return found, nil
}

// items reads a list.
func (r *reader) items(n *yaml.Node, what string, read func(item *yaml.Node) error) error {
	n, err := r.enter(n)
	if err != nil {
		return err
	}
	if n.Kind != yaml.SequenceNode {
		return wanted(what, "a list", n)
	}
	for _, item := range n.Content {
		if err := read(item); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) scalar(n *yaml.Node, what, want, tag string) (*yaml.Node, error) {
	n, err := r.enter(n)
	if err != nil {
		return nil, err
	}
	if n.Kind != yaml.ScalarNode || n.Tag != tag {
		return nil, wanted(what, want, n)
	}
	return n, nil
}

func (r *reader) text(n *yaml.Node, what string) (string, error) {
	n, err := r.scalar(n, what, "text", tagText)
	if err != nil {
		return "", err
	}
	return n.Value, nil
}

func (r *reader) truth(n *yaml.Node, what string) (bool, error) {
	n, err := r.scalar(n, what, "true or false", tagBool)
	if err != nil {
		return false, err
	}
	return strconv.ParseBool(strings.ToLower(n.Value))
}

// number reads a decimal number, or a hexadecimal one behind 0x. The other
// notations of YAML do not mean the same to all its readers.
func (r *reader) number(n *yaml.Node, what string, most uint64) (uint64, error) {
	want := fmt.Sprintf("a number from 0 to %d, decimal or behind 0x", most)
	n, err := r.enter(n)
	if err != nil {
		return 0, err
	}
	if n.Kind != yaml.ScalarNode || n.Tag != tagNumber {
		return 0, wanted(what, want, n)
	}
	digits, base := n.Value, 10
	if hex, ok := strings.CutPrefix(digits, "0x"); ok {
		digits, base = hex, 16
	}
	number, err := strconv.ParseUint(digits, base, 64)
	octal := base == 10 && len(digits) > 1 && digits[0] == '0'
	if err != nil || octal || number > most {
		return 0, wanted(what, want, n)
	}
	return number, nil
}
