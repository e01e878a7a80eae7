package locate

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
)

// Survey is all that was found in a volume.
type Survey struct {
	Installations []Installation // that have a folder of hives
	Candidates    []Candidate
	Problems      []error // what could not be looked at, and why
}

// Survey looks for all hives in the volume. What cannot be looked at is part of
// the result.
func (v *Volume) Survey() *Survey {
	s := &search{Volume: v}
	for _, i := range s.windows() {
		if s.inConfig(i, configKinds[:]...) {
			s.Installations = append(s.Installations, i)
		}
		s.copies(i)
		s.users(i, "", NTUser, UsrClass)
	}
	if v.Layout == VolumeRoot {
		s.profiles(".", InUse, "", "", NTUser, UsrClass)
		s.restorePoints()
	}
	s.bcd()
	return &s.Survey
}

// Copies looks for what an upgrade, Windows itself, and System Restore have left
// of hives of a kind. Those that are no hives are left out.
func (v *Volume) Copies(kind Kind) []Candidate {
	s := &search{Volume: v}
	for _, i := range s.windows() {
		if i.Leftover {
			s.inConfig(i, kind)
		}
		s.copies(i)
	}
	if v.Layout == VolumeRoot {
		s.restorePoints()
	}
	return slices.DeleteFunc(s.Candidates, func(c Candidate) bool { return c.Kind != kind || c.Err != nil })
}

// search collects candidates.
type search struct {
	*Volume
	Survey
	seen map[string]bool // paths of candidates
	over bool            // the bound of names has been passed

	profileFolders map[string]bool // that were looked at
}

// windows are the installations of the volume.
func (s *search) windows() []Installation {
	found, problems := s.installations()
	for _, err := range problems {
		s.problem(err)
	}
	return found
}

// problem notes what could not be looked at. A folder that is not there is no
// problem, and that there are too many names is one only once.
func (s *search) problem(err error) {
	tooMany := errors.Is(err, ErrTooMany)
	if err == nil || notThere(err) || tooMany && s.over {
		return
	}
	s.over = s.over || tooMany
	s.Problems = append(s.Problems, err)
}

// add examines a candidate, unless it was found on another way already.
func (s *search) add(c Candidate) {
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	if s.seen[c.Path] {
		return
	}
	s.seen[c.Path] = true
	if c.Err == nil {
		s.examine(&c)
	}
	s.Candidates = append(s.Candidates, c)
}

// files adds the files in a folder that have the names of kinds, and reports
// whether there are any. template is the candidate that they have in common.
func (s *search) files(folder string, template Candidate, kinds []Kind, name func(Kind) string) bool {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = name(kind)
	}
	found, err := s.tree.lookUp(folder, names...)
	if err != nil {
		s.problem(err)
		return false
	}
	any := false
	for i, spellings := range found {
		if len(spellings) == 0 {
			continue
		}
		any = true
		c := template
		c.Kind = kinds[i]
		c.Path = filepath.Join(folder, spellings[0])
		path, err := s.tree.only(folder, names[i], spellings)
		if err == nil {
			c.Path = path
		} else {
			c.Err = err
		}
		s.add(c)
	}
	return any
}

// fileName is the name of a kind's file where Windows uses it.
func fileName(kind Kind) string { return string(kind) }

// inConfig adds the hives in the folder config, and reports whether there is
// such a folder.
func (s *search) inConfig(i Installation, kinds ...Kind) bool {
	config, err := s.config(i)
	if err != nil {
		s.problem(err)
		return false
	}
	s.files(config, Candidate{Origin: origin(i, InUse), Installation: i.Path}, kinds, fileName)
	return true
}

// origin is what a hive is there for that would be for use in an installation
// that is no leftover.
func origin(i Installation, use Origin) Origin {
	if i.Leftover {
		return WindowsOld
	}
	return use
}

// copies adds the copies of hives that Windows makes for itself.
func (s *search) copies(i Installation) {
	config, err := s.config(i)
	if err != nil {
		return // noted by inConfig
	}
	if folder, err := s.tree.entry(config, "RegBack"); err == nil {
		s.files(folder, Candidate{Origin: origin(i, RegBack), Installation: i.Path}, configKinds[:], fileName)
	} else {
		s.problem(err)
	}
	if s.Layout == ConfigFolder {
		return
	}
	for _, names := range [][]string{{"repair"}, {"repair", "RegBack"}} {
		folder, err := s.tree.descend(i.Path, names...)
		if err != nil {
			s.problem(err)
			return
		}
		s.files(folder, Candidate{Origin: origin(i, Repair), Installation: i.Path}, configKinds[:], fileName)
	}
}

// bcd adds the boot configuration, which is a hive too: in a folder of the
// volume that the machine starts from.
func (s *search) bcd() {
	if s.Layout != VolumeRoot {
		return
	}
	for _, names := range [][]string{{"Boot"}, {"EFI", "Microsoft", "Boot"}} {
		folder, err := s.tree.descend(".", names...)
		if err != nil {
			s.problem(err)
			continue
		}
		s.files(folder, Candidate{Origin: InUse}, []Kind{BCD}, fileName)
	}
}

// Bounds for restore points: those of the last months.
const mostRestorePoints = 32

// restorePoints adds the copies that System Restore of Windows XP has made.
func (s *search) restorePoints() {
	folder, err := s.tree.entry(".", "System Volume Information")
	if err != nil {
		if !errors.Is(err, fs.ErrPermission) { // as it is for everybody but Windows
			s.problem(err)
		}
		return
	}
	for _, restore := range s.subfolders(folder, "_restore") {
		points := s.subfolders(restore, "RP")
		slices.SortFunc(points, func(a, b string) int { return compareNumbered(b, a) })
		for _, point := range points[:min(len(points), mostRestorePoints)] {
			snapshot, err := s.tree.entry(point, "snapshot")
			if err != nil {
				s.problem(err)
				continue
			}
			s.files(snapshot, Candidate{Origin: RestorePoint}, configKinds[:], func(kind Kind) string {
				return "_REGISTRY_MACHINE_" + string(kind)
			})
		}
	}
}
