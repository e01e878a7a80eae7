package policy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"go.yaml.in/yaml/v4"

	"hivepatch/hive"
	"hivepatch/hive/locate"
)

// defaultValue stands for the default value, whose name is empty, and namedAt
// for one that is really named so, as on the command line.
const (
	defaultValue = "@"
	namedAt      = `\x40`
)

// wishes reads the lists of a section.
type wishes struct {
	*reader
	section    *Section
	controlSet string // where a wish does not select any
}

func (w wishes) add(wish Wish) { w.section.Wishes = append(w.section.Wishes, wish) }

// key reads a wish about a key: its path alone, or a mapping with that.
func (w wishes) key(n *yaml.Node, kind Kind) error {
	item, err := w.enter(n)
	if err != nil {
		return err
	}
	wish := Wish{Position: position(n), Kind: kind}
	fields := map[string]field{"key": {wish.Position, "key", item}}
	if item.Kind == yaml.MappingNode {
		if fields, err = w.wishFields(item, "key"); err != nil {
			return err
		}
	}
	if err := w.place(&wish, fields); err != nil {
		return err
	}
	if kind == KeyAbsent && wish.Key == "" {
		return failf(wish.Position, "the root of a hive, or a control set in use, cannot be absent")
	}
	w.add(wish)
	return nil
}

func (w wishes) absentValue(n *yaml.Node) error {
	wish, _, err := w.named(n, ValueAbsent)
	if err != nil {
		return err
	}
	w.add(wish)
	return nil
}

func (w wishes) value(n *yaml.Node) error {
	wish, fields, err := w.named(n, ValueSet, "type", "data", "hex")
	if err != nil {
		return err
	}
	kind, given := fields["type"]
	if !given {
		return failf(wish.Position, "value: no type")
	}
	if wish.Type, err = w.valueType(kind.value); err != nil {
		return err
	}
	data, hasData := fields["data"]
	bytes, hasBytes := fields["hex"]
	switch {
	case hasData == hasBytes:
		return failf(wish.Position, "value: want either data or hex")
	case hasBytes:
		wish.Data, err = w.bytes(bytes.value, "hex")
	default:
		wish.Data, err = w.data(data.value, wish.Type)
	}
	if err != nil {
		return err
	}
	w.add(wish)
	return nil
}

// named reads what wishes about values have in common.
func (w wishes) named(n *yaml.Node, kind Kind, more ...string) (Wish, map[string]field, error) {
	wish := Wish{Position: position(n), Kind: kind}
	fields, err := w.wishFields(n, "value", append([]string{"name"}, more...)...)
	if err != nil {
		return wish, nil, err
	}
	if err := w.place(&wish, fields); err != nil {
		return wish, nil, err
	}
	name, given := fields["name"]
	if !given {
		return wish, nil, failf(wish.Position, `value: no name; "" is the default value`)
	}
	if wish.Value, err = w.text(name.value, "name"); err != nil {
		return wish, nil, err
	}
	switch wish.Value {
	case defaultValue:
		wish.Value = ""
	case namedAt:
		wish.Value = defaultValue
	}
	return wish, fields, checkName(wish.Value, "name", hive.MaxValueName, position(name.value))
}

// wishFields reads the mapping of a wish.
func (w wishes) wishFields(n *yaml.Node, what string, more ...string) (map[string]field, error) {
	known := append([]string{"key"}, more...)
	if w.section.Hive == locate.System {
		known = append(known, "control_set")
	}
	return w.fields(n, what, known...)
}

// place reads where a wish is about.
func (w wishes) place(wish *Wish, fields map[string]field) error {
	key, given := fields["key"]
	if !given {
		return failf(wish.Position, "no key")
	}
	text, err := w.text(key.value, "key")
	if err != nil {
		return err
	}
	names, err := splitPath(text, position(key.value))
	if err != nil {
		return err
	}
	symbolic := w.section.Hive == locate.System && len(names) > 0 && hive.EqualNames(names[0], hive.CurrentControlSet)
	if symbolic {
		names, wish.ControlSet = names[1:], w.controlSet
	}
	wish.Key = strings.Join(names, `\`)
	selection, given := fields["control_set"]
	if !given {
		return nil
	}
	if !symbolic {
		return failf(selection.at, "control_set goes with a key below %s only", hive.CurrentControlSet)
	}
	wish.ControlSet, err = w.reader.controlSet(selection.value)
	return err
}

// splitPath splits the path of a key at backslashes or, where it has none, at
// slashes.
func splitPath(text string, at Position) ([]string, error) {
	separator := `\`
	if !strings.Contains(text, separator) {
		separator = "/"
	}
	names := slices.DeleteFunc(strings.Split(text, separator), func(name string) bool { return name == "" })
	if len(names) > 0 && isRootOfRegistry(names[0]) {
		return nil, failf(at, `key: paths begin below the root of the hive: Select, not HKEY_LOCAL_MACHINE\SYSTEM\Select`)
	}
	if len(names) >= hive.MaxDepth {
		return nil, failf(at, "key: %d names, and there are no more than %d levels of keys", len(names), hive.MaxDepth)
	}
	for _, name := range names {
		if err := checkName(name, "key", hive.MaxKeyName, at); err != nil {
			return nil, err
		}
	}
	return names, nil
}

func isRootOfRegistry(name string) bool {
	upper := strings.ToUpper(name)
	return strings.HasPrefix(upper, "HKEY_") || slices.Contains([]string{"HKLM", "HKCU", "HKU", "HKCR"}, upper)
}

// checkName refuses what can hardly be meant: C:\new in double quotes has a line
// break in it.
func checkName(name, what string, longest int, at Position) error {
	for _, r := range name {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return failf(at, `%s: %.40q has the control character %U; in double quotes \n is a line break, in single quotes it is \n`, what, name, r)
		}
	}
	if n := len(utf16.Encode([]rune(name))); n > longest {
		return failf(at, "%s: a name of %d characters, want at most %d", what, n, longest)
	}
	return nil
}
