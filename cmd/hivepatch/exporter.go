package main

import (
	"fmt"
	"io"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/regfile"
)

// exporter writes a key and all below it.
type exporter struct {
	key      *hive.Key
	layered  bool // the hive is a differencing one, with marks of what is deleted
	tolerant bool // leave out what cannot be read

	keys, classes, flagged int // numbers of what was written, or has no place in a .reg file

	damaged int     // things that were left out
	damage  []error // the first of them
}

// exportDamage is returned for what cannot be read, or not be written.
type exportDamage struct{ err error }

func (e *exportDamage) Error() string { return e.err.Error() }
func (e *exportDamage) Unwrap() error { return e.err }

// fail notes what cannot be read. It returns an error where that is the end.
func (e *exporter) fail(err error) error {
	if !e.tolerant {
		return &exportDamage{err}
	}
	if e.damaged++; len(e.damage) < toldFailures {
		e.damage = append(e.damage, err)
	}
	return nil
}

// each calls do for each key. Names that no path can have are left out with all
// that is below them.
func (e *exporter) each(do func(key *hive.Key) error) error {
	wrong, skip := "", false
	for key, err := range e.key.Walk() {
		switch {
		case err != nil:
			err = e.fail(err)
		case skip && strings.HasPrefix(key.Path(), wrong):
			continue
		case !key.IsRoot() && (key.Name() == "" || strings.Contains(key.Name(), `\`)):
			wrong, skip = key.Path()+`\`, true
			above := strings.TrimSuffix(strings.TrimSuffix(key.Path(), key.Name()), `\`)
			err = e.fail(fmt.Errorf(`key "%s" below %s has a name that no key can have`, printableName(key.Name()), printablePath(above)))
		default:
			e.count(key)
			err = do(key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) count(key *hive.Key) {
	e.keys++
	if class, err := key.Class(); err != nil || class != "" {
		e.classes++
	}
	if key.Flags()&(hive.FlagLink|hive.FlagPredefined|hive.FlagNoDelete) != 0 && !key.IsRoot() {
		e.flagged++
	}
}

// omitted says what of the keys has no place in a .reg file.
func (e *exporter) omitted() string {
	text := fmt.Sprintf("the security descriptors and times of %s", plural(e.keys, "key", "keys"))
	if e.classes > 0 {
		text += ", " + plural(e.classes, "class name", "class names")
	}
	if e.flagged > 0 {
		text += ", the flags of " + plural(e.flagged, "key", "keys")
	}
	return text
}

// writeReg writes a .reg file, in which the root of the hive is at prefix.
func (e *exporter) writeReg(out io.Writer, encoding regfile.Encoding, prefix string) error {
	w := regfile.NewWriter(out, encoding)
	err := e.each(func(key *hive.Key) error {
		if path := key.Path(); path != "" {
			w.CreateKey(prefix, path)
		} else {
			w.CreateKey(prefix)
		}
		for value, err := range key.Values() {
			if err == nil {
				err = e.writeValue(w, value)
			}
			if err != nil {
				if err = e.fail(err); err != nil {
					return err
				}
			}
		}
		return w.Err()
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

// writeValue writes a value. In a differencing hive it may stand for a deleted
// one.
func (e *exporter) writeValue(w *regfile.Writer, value *hive.Value) error {
	if e.layered && value.Tombstone() {
		w.DeleteValue(value.Name())
		return nil
	}
	pieces, err := value.DataPieces()
	if err != nil {
		return err
	}
	w.SetValue(value.Name(), uint32(value.Type()), joined(pieces))
	return nil
}
