package main

import (
	"runtime"
	"strings"
	"time"

	"hivepatch/hive/hivefile"
	"hivepatch/patch"
)

// proposal is a change of the value that doctor may advise.
type proposal struct {
	preset string // "" for no change of the sizes
	repair bool
}

// words are the command for the proposal.
func (p proposal) words(hive []string) []string {
	words := append([]string{"patch"}, hive...)
	if p.preset != "" && p.preset != patch.DefaultPreset {
		words = append(words, "--preset", p.preset)
	}
	if p.repair {
		words = append(words, "--repair")
	}
	return words
}

// edit is what the command asks package patch for.
func (p proposal) edit() (edit patch.EditRequest, err error) {
	edit.Repair = p.repair
	if p.preset != "" {
		edit.Preset, err = patch.FindPreset(p.preset)
	}
	return edit, err
}

// Presets that doctor advises, by the number of bits.
const (
	preset64, preset64KB = "services-4096", 4096
	preset32, preset32KB = "services-2048", 2048
)

// preset is the one that suits the sizes in a control set, "" where none does.
func (d *diagnosis) preset(set *patch.SetState) string {
	switch {
	case set == nil:
		return ""
	case d.isLegacy(set) && lacksThird(set):
		return patch.DefaultPreset
	case d.isLegacy(set):
		return "" // larger heaps would leave room for fewer
	case d.bits() == 32 && set.Effective.NoninteractiveKB < preset32KB:
		return preset32
	case d.bits() != 32 && set.Effective.NoninteractiveKB < preset64KB:
		return preset64
	}
	return ""
}

// trial tries a proposal on the hive, in memory only, so that no command is
// advised that would be refused.
func trial(target targetOptions) func(proposal) error {
	if target.path == standardStream {
		return func(proposal) error { return nil } // it has been read and is gone
	}
	return func(p proposal) error {
		edit, err := p.edit()
		if err != nil {
			return err
		}
		file, err := target.loadAs(hivefile.LoadOptions{Recovery: hivefile.Recover})
		if err != nil {
			return err
		}
		_, err = patch.Apply(file, patch.Request{Edit: edit, Time: time.Unix(0, 0)})
		return err
	}
}

// newHive is where a changed hive goes: in place, where a backup is kept.
func (d *diagnosis) newHive() []string {
	if d.HivePath == standardStream || d.WhyNotInPlace != "" {
		return []string{"-o", "SYSTEM.new"}
	}
	return []string{"--in-place"}
}

// doing says what becomes of the hive.
func (d *diagnosis) doing() string {
	switch {
	case d.HivePath == standardStream:
		return "then do it"
	case d.WhyNotInPlace != "":
		return "then do it, and put the new hive in its place with the volume mounted"
	case d.inImage:
		return "then do it; --backup FILE keeps the hive as it is now"
	}
	return "then do it; the hive as it is now is kept as a backup"
}

// commandLine is a command as it can be typed.
func commandLine(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if word == "" || strings.ContainsAny(word, " \t\"'&|<>()$`;*?!%^#~") {
			quoted[i] = quote(word)
		}
	}
	return strings.Join(quoted, " ")
}

// quote quotes a word for the shell that one is likely to have.
func quote(word string) string {
	if runtime.GOOS == "windows" {
		// A backslash before the closing mark would make it part of the word.
		return `"` + strings.TrimRight(word, `\`) + `"`
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
