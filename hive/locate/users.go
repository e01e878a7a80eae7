package locate

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// mostUsers are the folders of users that are looked at in one place.
const mostUsers = 8192

// users adds the hives of users whose folders lie in the Windows folder: the
// accounts of services, and all users before Windows 2000. user is the one who
// is looked for, "" for all.
func (s *search) users(i Installation, user string, kinds ...Kind) {
	if s.Layout == ConfigFolder {
		s.profile(".", "systemprofile", i, user, kinds)
		return
	}
	s.profilesIn(i.Path, "Profiles", origin(i, InUse), i.Path, user, kinds)
	s.profilesIn(i.Path, "ServiceProfiles", origin(i, InUse), i.Path, user, kinds)
	if config, err := s.config(i); err == nil {
		s.profile(config, "systemprofile", i, user, kinds)
	}
	if above, ok := s.above(i); ok && i.Leftover {
		s.profiles(above, WindowsOld, i.Path, user, kinds...)
	}
}

// profiles adds the hives of the users whose folders lie beside the Windows
// folder.
func (s *search) profiles(folder string, use Origin, installation, user string, kinds ...Kind) {
	s.profilesIn(folder, "Users", use, installation, user, kinds)
	s.profilesIn(folder, "Documents and Settings", use, installation, user, kinds)
}

func (s *search) profilesIn(folder, name string, use Origin, installation, user string, kinds []Kind) {
	path, err := s.tree.entry(folder, name)
	if err != nil {
		// Windows Vista and later have a link at this place, which is absolute.
		if !errors.Is(err, ErrOutside) {
			s.problem(err)
		}
		return
	}
	if s.profileFolders[path] {
		return // two names lead to it
	}
	if s.profileFolders == nil {
		s.profileFolders = map[string]bool{}
	}
	s.profileFolders[path] = true
	for _, profile := range s.profilesOf(path, user) {
		s.hivesOf(profile, Candidate{User: filepath.Base(profile), Origin: use, Installation: installation}, kinds)
	}
}

// profilesOf lists the folders of users in one. That of a single user may have
// several spellings, and be a link.
func (s *search) profilesOf(folder, user string) []string {
	if user == "" {
		return s.subfolders(folder, "")
	}
	found, err := s.tree.lookUp(folder, user)
	if err != nil {
		s.problem(err)
	}
	var profiles []string
	for _, name := range found[0] {
		path, err := s.tree.follow(filepath.Join(folder, name))
		if err != nil {
			s.problem(err)
			continue
		}
		profiles = append(profiles, path)
	}
	return profiles
}

// profile adds the hives of one user whose folder has a name of its own.
func (s *search) profile(folder, name string, i Installation, user string, kinds []Kind) {
	if user != "" && !sameName(name, user) {
		return
	}
	path, err := s.tree.entry(folder, name)
	if err != nil {
		s.problem(err)
		return
	}
	s.hivesOf(path, Candidate{User: name, Origin: origin(i, InUse), Installation: i.Path}, kinds)
}

// hivesOf adds the hives in the folder of one user.
func (s *search) hivesOf(profile string, template Candidate, kinds []Kind) {
	if slices.Contains(kinds, NTUser) {
		s.files(profile, template, []Kind{NTUser}, fileName)
	}
	if !slices.Contains(kinds, UsrClass) {
		return
	}
	for _, names := range [][]string{usrClassPath, legacyClass} {
		folder, err := s.tree.descend(profile, names...)
		if err == nil {
			s.files(folder, template, []Kind{UsrClass}, fileName)
		} else if !errors.Is(err, ErrOutside) { // a link for old programs
			s.problem(err)
		}
	}
}

// subfolders lists the folders in one whose names begin with prefix, in order
// of their names. Links to folders are left out: those of Windows lead to what
// is found without them.
func (s *search) subfolders(folder, prefix string) []string {
	var names []string
	more := false
	err := s.tree.each(folder, func(name string) {
		if len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
			return
		}
		if more = len(names) == mostUsers; !more {
			names = append(names, name)
		}
	})
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		s.problem(err)
	}
	if more {
		s.problem(fmt.Errorf("%s: only %d of its folders are looked at", s.FullPath(folder), mostUsers))
	}
	slices.Sort(names)
	var folders []string
	for _, name := range names {
		path := filepath.Join(folder, name)
		if info, err := s.tree.root.Lstat(path); err == nil && info.IsDir() {
			folders = append(folders, path)
		}
	}
	return folders
}

// compareNumbered compares names that end in a number, such as RP9 and RP10.
func compareNumbered(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
