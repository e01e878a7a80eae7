package locate

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
)

// Facts is what the hives of an installation say about it. Whatever they do not
// say, or cannot because of damage, is empty.
type Facts struct {
	Product      string // such as "Windows 10 Pro"
	Release      string // such as "22H2" or "Service Pack 1"
	Version      string // such as "6.1"
	Build        string // such as "7601"
	Revision     uint32 // of the build; 0 where it has none
	Role         string // ProductType: WinNT, ServerNT or LanmanNT, a domain controller
	Bits         int    // 32 or 64
	ComputerName string
	ControlSets  []ControlSet

	WinPE    string   // what shows that this is Windows PE; "" for an installed Windows
	Problems []string // what kept the hives from being read
}

// ControlSet is a control set, and what Select uses it for.
type ControlSet struct {
	Name  string
	Roles []string // of current, default, lastknowngood and failed
}

// Bounds of what is read for facts.
const (
	largestHive = 512 << 20 // bytes; larger ones are nobody's SYSTEM or SOFTWARE
	mostRead    = 256       // subkeys that are looked at for control sets
	longestText = 256       // bytes of UTF-16 of a text that is a fact
)

// Facts reads the hives SYSTEM and SOFTWARE of an installation, with their logs
// where these apply.
func (v *Volume) Facts(i Installation) *Facts {
	s := &search{Volume: v}
	s.inConfig(i, System, Software)
	f := &Facts{}
	for _, err := range s.Problems {
		f.Problems = append(f.Problems, err.Error())
	}
	for _, c := range s.Candidates {
		file, err := v.loadForFacts(&c)
		if err != nil {
			f.Problems = append(f.Problems, fmt.Sprintf("%s: %s", c.Kind, err))
			continue
		}
		switch c.Kind {
		case System:
			f.AddSystem(file.Hive)
		case Software:
			f.AddSoftware(file.Hive)
		}
	}
	return f
}

func (v *Volume) loadForFacts(c *Candidate) (*hivefile.File, error) {
	if c.Err == nil && c.Size > largestHive {
		return nil, fmt.Errorf("%d bytes are more than are read for this", c.Size)
	}
	return v.Load(c, hivefile.LoadOptions{Recovery: hivefile.RecoverIfPossible, Tolerant: true})
}

// AddSystem adds what a hive SYSTEM says.
func (f *Facts) AddSystem(h *hive.Hive) {
	f.readControlSets(h)
	set := f.set()
	if set == "" {
		return
	}
	f.ComputerName = readText(h, set+`\Control\ComputerName\ComputerName`, "ComputerName")
	f.Role = readText(h, set+`\Control\ProductOptions`, "ProductType")
	f.Bits = bits(readText(h, set+`\Control\Session Manager\Environment`, "PROCESSOR_ARCHITECTURE"))
	if _, err := h.Key(set + `\Control\MiniNT`); err == nil {
		f.WinPE = "its SYSTEM has the key Control\\MiniNT"
	}
}

// readControlSets lists the control sets.
func (f *Facts) readControlSets(h *hive.Hive) {
	root, err := h.Root()
	if err != nil {
		return
	}
	numbers, err := h.Select()
	if err != nil {
		numbers = &hive.Select{Current: hive.Number{Err: err}, Default: hive.Number{Err: err}, Failed: hive.Number{Err: err}, LastKnownGood: hive.Number{Err: err}}
	}
	read := 0
	for key, err := range root.Subkeys() {
		if read++; read > mostRead {
			return
		}
		if err != nil {
			continue
		}
		if number, ok := controlSetNumber(key.Name()); ok {
			f.ControlSets = append(f.ControlSets, ControlSet{key.Name(), roles(numbers, number)})
		}
	}
}

func controlSetNumber(name string) (uint32, bool) {
	const prefix = "ControlSet"
	if len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
		return 0, false
	}
	number, err := strconv.ParseUint(name[len(prefix):], 10, 32)
	return uint32(number), err == nil && strings.EqualFold(hive.ControlSetName(uint32(number)), name)
}

func roles(numbers *hive.Select, set uint32) []string {
	var list []string
	for _, use := range []struct {
		role   string
		number hive.Number
	}{{"current", numbers.Current}, {"default", numbers.Default}, {"lastknowngood", numbers.LastKnownGood}, {"failed", numbers.Failed}} {
		if use.number.Err == nil && use.number.Value == set && set != 0 {
			list = append(list, use.role)
		}
	}
	return list
}

// set is the control set that Windows would start with, or the one that it ran
// with, or the first; "" where there is none.
func (f *Facts) set() string {
	for _, role := range []string{"default", "current", ""} {
		for _, set := range f.ControlSets {
			if role == "" || slices.Contains(set.Roles, role) {
				return set.Name
			}
		}
	}
	return ""
}

func bits(architecture string) int {
	switch strings.ToLower(architecture) {
	case "x86", "arm":
		return 32
	case "amd64", "arm64", "ia64", "alpha64":
		return 64
	}
	return 0
}

// AddSoftware adds what a hive SOFTWARE says.
func (f *Facts) AddSoftware(h *hive.Hive) {
	const path = `Microsoft\Windows NT\CurrentVersion`
	f.Product = readText(h, path, "ProductName")
	f.Version = readText(h, path, "CurrentVersion")
	f.Build = readText(h, path, "CurrentBuildNumber")
	if f.Build == "" {
		f.Build = readText(h, path, "CurrentBuild")
	}
	// Windows 10 and later still call themselves 6.3 in the old value.
	major, ok := readNumber(h, path, "CurrentMajorVersionNumber")
	if ok {
		minor, _ := readNumber(h, path, "CurrentMinorVersionNumber")
		f.Version = fmt.Sprintf("%d.%d", major, minor)
	}
	f.Revision, _ = readNumber(h, path, "UBR")
	for _, name := range []string{"DisplayVersion", "ReleaseId", "CSDVersion"} {
		if f.Release == "" {
			f.Release = readText(h, path, name)
		}
	}
	f.nameProduct()
	if _, err := h.Key(path + `\WinPE`); err == nil || readText(h, path, "EditionID") == "WindowsPE" {
		f.WinPE = "its SOFTWARE calls it Windows PE"
	}
}

// firstWindows11 is the first build of Windows 11, which still calls itself
// Windows 10.
const firstWindows11 = 22000

func (f *Facts) nameProduct() {
	build, err := strconv.Atoi(f.Build)
	if rest, found := strings.CutPrefix(f.Product, "Windows 10"); found && err == nil && build >= firstWindows11 {
		f.Product = "Windows 11" + rest
	}
	if f.Product == "" && f.Version != "" {
		f.Product = "Windows NT " + f.Version
	}
}

// Windows describes the Windows in one line, "" where nothing is known of it.
func (f *Facts) Windows() string {
	parts := slices.DeleteFunc([]string{f.Product, f.Release}, func(s string) bool { return s == "" })
	line := strings.Join(parts, " ")
	if f.Version != "" || f.Build != "" {
		numbers := strings.Trim(f.Version+"."+f.Build, ".")
		if f.Revision != 0 {
			numbers += fmt.Sprintf(".%d", f.Revision)
		}
		line += " (" + numbers + ")"
	}
	if f.Bits != 0 && line != "" {
		line += fmt.Sprintf(", %d-bit", f.Bits)
	}
	return line
}

// readText reads a text, "" where there is none that is one.
func readText(h *hive.Hive, path, name string) string {
	value, data := read(h, path, name)
	if value == nil || value.Type() != hive.SZ && value.Type() != hive.ExpandSZ {
		return ""
	}
	text, _, _ := strings.Cut(hive.DecodeText(data[:min(len(data), longestText)]), "\x00")
	return strings.TrimSpace(text)
}

// readNumber reads a number, and returns false where there is none that is one.
func readNumber(h *hive.Hive, path, name string) (uint32, bool) {
	value, data := read(h, path, name)
	if value == nil || value.Type() != hive.DWord || len(data) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(data), true
}

func read(h *hive.Hive, path, name string) (*hive.Value, []byte) {
	key, err := h.Key(path)
	if err != nil {
		return nil, nil
	}
	value, err := key.Value(name)
	if err != nil {
		return nil, nil
	}
	data, err := value.Data()
	if err != nil {
		return nil, nil
	}
	return value, data
}
