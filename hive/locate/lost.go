package locate

import (
	"path/filepath"
	"slices"

	"hivepatch/hive/hivefile"
)

// Lost returns the path, beginning with that of the volume, of a hive in the
// folder config that is not there itself but has a backup where it was: Windows
// replaces a file in two steps, and whoever dies between them leaves it so. It
// returns "" where there is none, and for kinds that lie elsewhere.
func (v *Volume) Lost(kind Kind) string {
	if !slices.Contains(configKinds[:], kind) {
		return ""
	}
	installations, _ := v.installations() // whoever looked for the hive has told the rest
	for _, i := range installations {
		config, err := v.config(i)
		if err != nil || i.Leftover {
			continue
		}
		lost := ""
		_ = v.tree.each(config, func(name string) {
			if hive, _, ok := hivefile.ParseBackupName(name); ok && sameName(hive, string(kind)) {
				lost = hive
			}
		})
		if lost != "" {
			return v.FullPath(filepath.Join(config, lost))
		}
	}
	return ""
}
