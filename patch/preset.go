package patch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Preset is a named choice of sizes. No preset sets the first number.
type Preset struct {
	Name        string // as given to [FindPreset], without an argument
	Argument    string // what may follow the name behind a colon, empty for nothing
	Result      string // what it sets
	Description string
	Source      string

	number uint32 // the argument or its default
	sizes  func(section Section, number uint32) (Sizes, error)
}

// DefaultPreset is the preset for a request without sizes.
const DefaultPreset = "kb142676"

// Presets returns all presets. Each can be used as it is, but for those that
// need an argument: these come from [FindPreset].
func Presets() []Preset {
	return []Preset{
		stock("stock-nt35", 512, Size{}, "Windows NT 3.5; a third number stays", "Microsoft Q126962"),
		stock("stock-nt4", 3072, Size{}, "Windows NT 4.0; a third number stays", sourceQ142676),
		stock("stock-x86-legacy", 3072, KB(512), "2000, XP, Server 2003 and Vista without service pack, 32-bit",
			"Microsoft KB 184802"),
		stock("stock-x86", 12288, KB(512), "Vista SP1 and later, 32-bit", sourceKB947246),
		stock("stock-x64", 20480, KB(768), "every 64-bit Windows", sourceKB947246),
		{
			Name: DefaultPreset, Result: "C = 512 where there is no third number",
			Description: "services fail to start with user32.dll initialization errors; a third number is never touched",
			Source:      "Microsoft Q142676, Q158308", sizes: appendThird, number: 512,
		},
		{
			Name: "kb126962", Argument: "256 or 512, 256 by default", Result: "B + 256 or B + 512, each time",
			Description: "out of memory with many windows on NT 3.5 and 4.0",
			Source:      "Microsoft Q126962", sizes: raiseInteractive, number: 256,
		},
		noninteractive("more-services", 256, "more desktops of a smaller size, before Vista", "public report (HCL)"),
		{
			Name: "sql-replication", Result: "C + 256, each time",
			Description: "many SQL Server replication agents under one account",
			Source:      "Microsoft KB 949296, KB 824422", sizes: raiseNoninteractive, number: 256,
		},
		{
			Name: "orchestrator", Argument: "number of processes at a time", Result: "C = 10 for each process, rounded up to 1024",
			Description: "runbook and policy servers",
			Source:      "Microsoft KB 2102398", sizes: perProcess,
		},
		noninteractive("services-2048", 2048, "a service that starts many children", "public report (desktop-heap.ps1)"),
		noninteractive("services-4096", 4096, "Nomad, the Azure Backup extension, UnForm",
			"Microsoft Azure Backup documentation; public report (HashiCorp support)"),
		noninteractive("services-max", 20480, "build agents and test machines; reserves some 220 MB",
			"public report (CPython issue 150436)"),
		{
			Name: "many-windows", Argument: "40960 or 65536, 40960 by default", Result: "B = 40960 or 65536",
			Description: "twenty and more programs with windows in one session; above the 20480 that Microsoft advises",
			Source:      "public report (mt5-httpapi)", sizes: largeInteractive, number: 40960,
		},
	}
}

// FindPreset returns the preset that spec names: NAME or NAME:ARGUMENT, such as
// "orchestrator:120". It returns a [UsageError] for an unknown name and for an
// argument that is missing, unknown or too many.
func FindPreset(spec string) (Preset, error) {
	name, argument, given := strings.Cut(spec, ":")
	presets := Presets()
	at := slices.IndexFunc(presets, func(p Preset) bool { return p.Name == name })
	if at < 0 {
		var names []string
		for _, preset := range presets {
			names = append(names, preset.Name)
		}
		return Preset{}, &UsageError{fmt.Sprintf("no preset %q, want one of %s", name, strings.Join(names, ", "))}
	}
	preset := presets[at]
	switch {
	case given && preset.Argument == "":
		return Preset{}, &UsageError{fmt.Sprintf("preset %s takes no argument", name)}
	case given:
		number, err := strconv.ParseUint(argument, 10, 32)
		if err != nil || !preset.accepts(uint32(number)) {
			return Preset{}, &UsageError{fmt.Sprintf("preset %s: argument %q, want %s", name, argument, preset.Argument)}
		}
		preset.number = uint32(number)
	case preset.number == 0 && preset.Argument != "":
		return Preset{}, &UsageError{fmt.Sprintf("preset %s needs an argument: %s:N, N the %s", name, name, preset.Argument)}
	}
	return preset, nil
}

// accepts checks the argument of a preset that takes one.
func (p Preset) accepts(number uint32) bool {
	switch p.Name {
	case "kb126962":
		return number == 256 || number == 512
	case "many-windows":
		return number == 40960 || number == 65536
	}
	return number > 0
}

// Sizes works the preset out for the numbers that are there. The zero Preset
// asks for nothing. It returns a [RefusedError] where a preset that adds to a
// number finds none, and where the sum does not fit in 32 bits, and a
// [UsageError] for a preset that needs an argument and has none.
func (p Preset) Sizes(section Section) (Sizes, error) {
	switch {
	case p.sizes == nil:
		return Sizes{}, nil
	case p.number == 0 && p.Argument != "":
		return Sizes{}, &UsageError{fmt.Sprintf("preset %s needs an argument", p.Name)}
	}
	sizes, err := p.sizes(section, p.number)
	if err != nil {
		return Sizes{}, fmt.Errorf("preset %s: %w", p.Name, err)
	}
	return sizes, nil
}

// stock sets what Windows comes with. The first number is 1024 in all of them
// and is left alone nevertheless.
func stock(name string, interactive uint32, third Size, description, source string) Preset {
	result := fmt.Sprintf("B = %d", interactive)
	if third.Asked {
		result += fmt.Sprintf(", C = %d", third.KB)
	}
	return Preset{
		Name: name, Result: result, Description: description, Source: source, number: interactive,
		sizes: func(_ Section, number uint32) (Sizes, error) {
			return Sizes{Interactive: KB(number), Noninteractive: third}, nil
		},
	}
}

func noninteractive(name string, size uint32, description, source string) Preset {
	return Preset{
		Name: name, Result: fmt.Sprintf("C = %d", size), Description: description, Source: source, number: size,
		sizes: func(_ Section, number uint32) (Sizes, error) {
			return Sizes{Noninteractive: KB(number)}, nil
		},
	}
}

func largeInteractive(_ Section, number uint32) (Sizes, error) {
	return Sizes{Interactive: KB(number)}, nil
}

// appendThird fills an empty third field too: no number stands there.
func appendThird(section Section, number uint32) (Sizes, error) {
	if section.C.Present && section.C.Text != "" {
		return Sizes{}, nil
	}
	return Sizes{Noninteractive: KB(number)}, nil
}

func raiseInteractive(section Section, number uint32) (Sizes, error) {
	size, err := raise(section.B, number)
	return Sizes{Interactive: size}, err
}

func raiseNoninteractive(section Section, number uint32) (Sizes, error) {
	size, err := raise(section.C, number)
	return Sizes{Noninteractive: size}, err
}

func raise(field Field, number uint32) (Size, error) {
	sum := uint64(field.Number) + uint64(number)
	switch {
	case !field.HasNumber():
		return Size{}, &RefusedError{Reason: fmt.Sprintf("there is no number that %d could be added to", number)}
	case sum > 0xFFFFFFFF:
		return Size{}, &RefusedError{Reason: fmt.Sprintf("%d + %d does not fit in 32 bits", field.Number, number)}
	}
	return KB(uint32(sum)), nil
}

// perProcess gives each process 10 KB and rounds up to a whole MB.
func perProcess(_ Section, number uint32) (Sizes, error) {
	size := (10*uint64(number) + 1023) / 1024 * 1024
	if size > 0xFFFFFFFF {
		return Sizes{}, &RefusedError{Reason: fmt.Sprintf("%d KB does not fit in 32 bits", size)}
	}
	return Sizes{Noninteractive: KB(uint32(size))}, nil
}
