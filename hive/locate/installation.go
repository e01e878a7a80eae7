package locate

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Where hives lie, below the Windows folder and below the root.
var (
	configPath   = []string{"System32", "config"}
	usrClassPath = []string{"AppData", "Local", "Microsoft", "Windows"}
	legacyClass  = []string{"Local Settings", "Application Data", "Microsoft", "Windows"}
)

// Installation is a Windows in a volume.
type Installation struct {
	Path     string // of its Windows folder in the volume, over no link; "." for the volume itself
	Leftover bool   // kept by an upgrade in Windows.old
}

// mostInstallations that are looked at in a volume, leftovers included.
const mostInstallations = 16

// Folders that Windows lies in. Its setup numbers them when there are several.
var (
	windowsName  = regexp.MustCompile(`(?i)^(windows|winnt)(\.[0-9]{1,3})?$`)
	leftoverName = regexp.MustCompile(`(?i)^windows\.old([.( ].*)?$`)
)

// installations lists the folders in the volume that have the name of a Windows
// folder, whether or not there is one in it. Those with two spellings are left
// out, with an error.
func (v *Volume) installations() ([]Installation, []error) {
	switch v.Layout {
	case WindowsFolder, ConfigFolder:
		return []Installation{{Path: "."}}, nil
	}
	found, left, problems := v.windowsFolders(".")
	for _, folder := range left {
		inside, _, more := v.windowsFolders(folder.Path)
		problems = append(problems, more...)
		for _, i := range inside {
			found = append(found, Installation{i.Path, true})
		}
	}
	return found[:min(len(found), mostInstallations)], problems
}

// windowsFolders lists the folders in one that have the name of a Windows
// folder, and those that hold the leftovers of an upgrade.
func (v *Volume) windowsFolders(folder string) (windows, leftovers []Installation, problems []error) {
	spellings, count := map[string][]string{}, 0
	err := v.tree.each(folder, func(name string) {
		if !windowsName.MatchString(name) && !leftoverName.MatchString(name) {
			return
		}
		if count++; count <= mostInstallations {
			upper := strings.ToUpper(name)
			spellings[upper] = append(spellings[upper], name)
		}
	})
	if err != nil {
		return nil, nil, []error{err}
	}
	if count > mostInstallations {
		problems = append(problems, fmt.Errorf("%s: %d folders have the name of a Windows; only %d are looked at", v.FullPath(folder), count, mostInstallations))
	}
	upper := make([]string, 0, len(spellings))
	for name := range spellings {
		upper = append(upper, name)
	}
	slices.Sort(upper)
	for _, name := range upper {
		path, err := v.tree.only(folder, name, spellings[name])
		if err == nil {
			err = v.tree.requireFolder(path)
		}
		switch {
		case err != nil:
			problems = append(problems, err)
		case leftoverName.MatchString(name):
			leftovers = appendInstallation(leftovers, path)
		default:
			windows = appendInstallation(windows, path)
		}
	}
	return windows, leftovers, problems
}

// appendInstallation leaves out what two links lead to.
func appendInstallation(list []Installation, path string) []Installation {
	if slices.ContainsFunc(list, func(i Installation) bool { return i.Path == path }) {
		return list
	}
	return append(list, Installation{Path: path})
}

// requireFolder returns an error for what is no folder.
func (t *tree) requireFolder(path string) error {
	info, err := t.root.Lstat(path)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: t.full(path), Err: errNotFolder}
	}
	return err
}

var errNotFolder = errors.New("not a folder")

// config is the folder of an installation's hives.
func (v *Volume) config(i Installation) (string, error) {
	if v.Layout == ConfigFolder {
		return ".", nil
	}
	return v.tree.descend(i.Path, configPath...)
}

// above is the folder that the Windows folder of an installation lies in, and
// false where that is outside the volume.
func (v *Volume) above(i Installation) (string, bool) {
	if i.Path == "." {
		return "", false
	}
	return filepath.Dir(i.Path), true
}
