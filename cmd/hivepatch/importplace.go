package main

import (
	"fmt"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/regfile"
)

// importPlace says where the root of a hive is in a .reg file.
type importPlace struct {
	prefix string // "" before it is found
	guard  guard
	known  bool // what follows is known

	set     string // path that CurrentControlSet stands for; "" where there is none
	missing error  // why there is none
}

// path returns the path in the hive of the key of an operation.
func (p *importPlace) path(h *hive.Hive, operation regfile.Operation) (string, error) {
	if !p.known {
		if err := p.find(h, operation.Key); err != nil {
			return "", err
		}
	}
	path := operation.Key
	if below, rooted := strings.CutPrefix(path, `\`); rooted {
		path = below // other programs leave the prefix out
	} else {
		var err error
		if path, err = belowRoot(path, p.prefix); err != nil {
			return "", p.outside(operation.Key)
		}
	}
	return p.resolve(path, operation.Kind == regfile.DeleteKey)
}

func (p *importPlace) outside(key string) error {
	reason := fmt.Sprintf("key %s lies outside of the hive, whose root is %s", printable(key), printable(p.prefix))
	return hinted(&edit.RefusedError{Reason: reason}, "--prefix PATH says which key of the file is the root of the hive")
}

// find finds the place from the first key in a file and the kind of the hive,
// unless it was given.
func (p *importPlace) find(h *hive.Hive, key string) error {
	if p.prefix == "" {
		prefix, err := findPrefix(h, key)
		if err != nil {
			return err
		}
		p.prefix = prefix
	}
	p.known = true
	if current, err := h.Key(hive.CurrentControlSet); err == nil {
		p.set = current.Path()
	} else {
		p.missing = err
	}
	return nil
}

func findPrefix(h *hive.Hive, key string) (string, error) {
	prefix, certain := regRoot(h)
	inFile, ok := hiveRoot(key)
	switch {
	case certain && strings.HasPrefix(prefix, currentUser) && strings.HasPrefix(inFile, `HKEY_USERS\`):
		return inFile, nil // the same hive, as another user sees it
	case certain:
		return prefix, nil
	case strings.HasPrefix(key, `\`):
		return unknownRoot, nil
	case hive.EqualNames(key, userClasses):
		return key, nil // where export puts the hive of a user's classes
	case ok && !isBelow(key, userClasses): // which is in one hive or in another
		return inFile, nil
	}
	return "", hinted(&edit.RefusedError{Reason: fmt.Sprintf("which key of the file is the root of the hive is not certain from %s", printable(key))},
		"--prefix PATH says it")
}

// resolve replaces CurrentControlSet, which exists in a running Windows only. To
// delete it would delete a control set that the file does not name.
func (p *importPlace) resolve(path string, deletes bool) (string, error) {
	first, rest, more := strings.Cut(path, `\`)
	if !hive.EqualNames(first, hive.CurrentControlSet) {
		return path, nil
	}
	switch {
	case !more && deletes && p.set != "" && !hive.EqualNames(p.set, hive.CurrentControlSet):
		return "", &edit.RefusedError{Reason: fmt.Sprintf("%s stands for %s and is no key of its own: name that", hive.CurrentControlSet, printablePath(p.set))}
	case p.set == "" && strings.EqualFold(p.prefix, `HKEY_LOCAL_MACHINE\SYSTEM`):
		return path, p.guard.object("%s exists in a running Windows only, and what it stands for is not known: %s", hive.CurrentControlSet, p.missing)
	case p.set == "":
		return path, nil // MayBeNamed has a say in it
	case more:
		return p.set + `\` + rest, nil
	}
	return p.set, nil
}
