package patch

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// isolated is an image whose structures can be moved to bins of their own, so
// that nothing but the structure itself gives away where damage lies.
type isolated struct{ *hivetest.Image }

// cell moves a cell to a new bin and returns where. Whoever refers to it must
// be told.
func (i isolated) cell(old uint32) uint32 {
	size := uint32(-i.CellSize(old))
	free := i.AddBin((size + hivetest.BinHeaderSize + hivetest.PageSize - 1) &^ (hivetest.PageSize - 1))
	i.SetCellSize(free.Offset, -int32(size))
	if rest := free.Size - size; rest > 0 {
		i.SetCellSize(free.Offset+size, int32(rest))
	}
	copy(i.Cell(free.Offset), i.Cell(old))
	i.Free(old)
	return free.Offset
}

// node moves the record of a key.
func (i isolated) node(path string) uint32 {
	place := i.Key(path)
	old := place.Node
	place.Node = i.cell(old)
	parent := path[:max(0, strings.LastIndex(path, `\`))]
	i.eachEntry(parent, func(leaf uint32, at int) {
		if i.U32(leaf, at) == old {
			i.Put32(leaf, at, place.Node)
		}
	})
	for _, name := range place.Subkeys {
		i.Put32(i.Key(strings.TrimPrefix(path+`\`+name, `\`)).Node, hivetest.NodeParent, place.Node)
	}
	return place.Node
}

func (i isolated) eachEntry(path string, visit func(leaf uint32, at int)) {
	for _, leaf := range i.Key(path).Leaves {
		for entry := range int(i.U16(leaf, 2)) {
			visit(leaf, 4+8*entry)
		}
	}
}

// list moves the list of subkeys of a key.
func (i isolated) list(path string) uint32 {
	place := i.Key(path)
	place.List = i.cell(place.List)
	place.Leaves = []uint32{place.List}
	i.Put32(place.Node, hivetest.NodeList, place.List)
	return place.List
}

func (i isolated) valueList(path string) uint32 {
	place := i.Key(path)
	place.ValueList = i.cell(place.ValueList)
	i.Put32(place.Node, hivetest.NodeValueList, place.ValueList)
	return place.ValueList
}

func (i isolated) record(path, name string) uint32 {
	place, list := i.Value(path, name), i.Key(path).ValueList
	for at := 0; at < 4*len(i.Key(path).Values); at += 4 {
		if i.U32(list, at) == place.Record {
			old := place.Record
			place.Record = i.cell(old)
			i.Put32(list, at, place.Record)
		}
	}
	return place.Record
}

func (i isolated) data(path, name string) uint32 {
	place := i.Value(path, name)
	place.Data = i.cell(place.Data)
	i.Put32(place.Record, hivetest.RecordData, place.Data)
	return place.Data
}

// isolate moves everything on the way to the value.
func (i isolated) isolate() {
	for path := hivetest.SubSystems; path != ""; path = path[:max(0, strings.LastIndex(path, `\`))] {
		i.node(path)
		if path != hivetest.SubSystems {
			i.list(path)
		}
	}
	i.list("")
	for _, key := range []string{hivetest.SubSystems, "Select"} {
		i.valueList(key)
		for _, value := range i.Key(key).Values {
			i.record(key, value.Name)
		}
	}
	i.node("Select")
	i.data(hivetest.SubSystems, valueName)
}

// Keys without values and subkeys, of which the check meets the first before
// and the second after those on the way to the value.
var bystanders = []string{`ActivationBroker\Plugins`, "WPA"}

// shareValues lets a bystander have the value list of a key.
func (i isolated) shareValues(bystander, path string) {
	from, to := i.Key(path).Node, i.Key(bystander).Node
	for _, at := range []int{hivetest.NodeValues, hivetest.NodeValueList, hivetest.NodeMaxValueName, hivetest.NodeMaxValueData} {
		i.Put32(to, at, i.U32(from, at))
	}
}

// shareSubkeys lets a bystander have the subkey list of a key.
func (i isolated) shareSubkeys(bystander, path string) {
	from, to := i.Key(path).Node, i.Key(bystander).Node
	for _, at := range []int{hivetest.NodeSubkeys, hivetest.NodeList, hivetest.NodeMaxName, hivetest.NodeMaxClass} {
		i.Put32(to, at, i.U32(from, at))
	}
}

// shareRecord lets a bystander have one value, the record of another key.
func (i isolated) shareRecord(bystander string, record uint32) {
	list := i.Allocate(4)
	i.Put32(list, 0, record)
	node := i.Key(bystander).Node
	i.Put32(node, hivetest.NodeValues, 1)
	i.Put32(node, hivetest.NodeValueList, list)
	i.Put32(node, hivetest.NodeMaxValueName, 64)
	i.Put32(node, hivetest.NodeMaxValueData, 4096)
}

// shareData lets a bystander have a value whose data is that of another.
func (i isolated) shareData(bystander string, data uint32) {
	record := i.Allocate(hivetest.RecordName)
	copy(i.Cell(record), "vk")
	i.Put32(record, hivetest.RecordDataLength, 8)
	i.Put32(record, hivetest.RecordData, data)
	i.Put32(record, hivetest.RecordType, hivetest.TypeBinary)
	i.shareRecord(bystander, record)
}

// pathFaults damage what the way to the value leads through. All of them leave
// the value readable.
func pathFaults() map[string]func(isolated) {
	faults := map[string]func(isolated){
		"security of SubSystems":    func(i isolated) { i.Put32(i.Key(hivetest.SubSystems).Node, hivetest.NodeSecurity, hivetest.NIL) },
		"security of ControlSet001": func(i isolated) { i.Put32(i.Key("ControlSet001").Node, hivetest.NodeSecurity, hivetest.NIL) },
		"security of Select":        func(i isolated) { i.Put32(i.Key("Select").Node, hivetest.NodeSecurity, hivetest.NIL) },
		"last value of Select":      func(i isolated) { copy(i.Cell(i.Value("Select", "Failed").Record), "xx") },
		"other value of SubSystems": func(i isolated) { copy(i.Cell(i.Value(hivetest.SubSystems, "Kmode").Record), "xx") },
		"data of other value of SubSystems": func(i isolated) {
			i.Put32(i.Value(hivetest.SubSystems, "Kmode").Record, hivetest.RecordData, 4)
		},
		"hash of Control": func(i isolated) {
			i.eachEntry("ControlSet001", func(leaf uint32, at int) {
				if i.U32(leaf, at) == i.Key(`ControlSet001\Control`).Node {
					i.Put32(leaf, at+4, 1)
				}
			})
		},
		"data in the bin to come": func(i isolated) {
			i.Put32(i.Value("HardwareConfig", "LastConfig").Record, hivetest.RecordData, i.BinsSize()+hivetest.BinHeaderSize)
		},
		"bins beyond the file": func(i isolated) {
			i.Data = i.Data[:hivetest.FileOffset(i.BinsSize())]
			i.SetHeader32(hivetest.AtBinsSize, i.BinsSize()+hivetest.PageSize)
		},
	}
	for _, bystander := range bystanders {
		name := " shared with " + bystander
		faults["values of SubSystems"+name] = func(i isolated) { i.shareValues(bystander, hivetest.SubSystems) }
		faults["values of Select"+name] = func(i isolated) { i.shareValues(bystander, "Select") }
		faults["value Windows"+name] = func(i isolated) { i.shareRecord(bystander, i.Value(hivetest.SubSystems, valueName).Record) }
		faults["value Select Current"+name] = func(i isolated) { i.shareRecord(bystander, i.Value("Select", "Current").Record) }
		faults["data of Windows"+name] = func(i isolated) { i.shareData(bystander, i.Value(hivetest.SubSystems, valueName).Data) }
		for _, path := range []string{"ControlSet001", `ControlSet001\Control`, `ControlSet001\Control\Session Manager`} {
			faults["subkeys of "+path+name] = func(i isolated) { i.shareSubkeys(bystander, path) }
		}
	}
	return faults
}

// TestDamageOnTheWay: damage at the path of the value, the value, or Select is
// no reason to go on, whatever the user allows.
func TestDamageOnTheWay(t *testing.T) {
	sound := isolated{hivetest.Windows10().Build()}
	sound.isolate()
	requireSound(t, sound.Data)
	for name, fault := range pathFaults() {
		for size, request := range damageRequests() {
			t.Run(name+"/"+size, func(t *testing.T) {
				image := isolated{sound.Clone()}
				fault(image)
				require.NotEmpty(t, findings(image.Data, check.Fatal), "the fault is none")
				if name == "data in the bin to come" && size != "in a new cell" {
					t.Skip("no bin comes")
				}
				requireDamageRefused(t, image.Data, request)
			})
		}
	}
}

// requireDamageRefused wants a refusal for damage in the way.
func requireDamageRefused(t *testing.T, data []byte, request Request) {
	t.Helper()
	file := load(t, data)
	report, err := Apply(file, request)
	require.Error(t, err)
	require.Nil(t, report)
	if !strings.Contains(t.Name(), "bin_to_come") { // that one is seen when it has come
		require.True(t, bytes.Equal(data, file.Hive.Bytes()), "refused, but the hive was changed")
	}
	var damaged *edit.DamageError
	if errors.As(err, &damaged) {
		require.NotNil(t, damaged.Touching, "%v", err)
		require.Contains(t, damaged.Findings.List, *damaged.Touching)
	} else {
		require.True(t, errors.Is(err, hive.ErrCorrupt) || errorsAs[*RefusedError](err), "%v", err)
	}
}

// TestDamageAtSelect: when the set is named by its number, Select is not on the
// way.
func TestDamageAtSelect(t *testing.T) {
	image := isolated{hivetest.Windows10().Build()}
	image.isolate()
	pathFaults()["security of Select"](image)
	request := damageRequests()["in its cell"]
	request.ControlSet = "1"
	file := load(t, image.Data)
	report, err := Apply(file, request)
	require.NoError(t, err)
	requireReport(t, image.Data, file, report)
	require.Equal(t, "SharedSection=1024,20480,4096", tokenOf(t, file.Hive.Bytes()))
	require.Equal(t, findings(image.Data, check.Fatal), findings(file.Hive.Bytes(), check.Fatal))
}

// TestDamageInDirtyHive: what makes the hive dirty is no damage when the logs
// are ignored, and other damage is none the less.
func TestDamageInDirtyHive(t *testing.T) {
	image := isolated{hivetest.Windows10().Build()}
	image.SetSequences(1623, 1622)
	image.Put32(image.node("WPA"), hivetest.NodeSecurity, hivetest.NIL)
	load := func() *hivefile.File {
		file, err := hivefile.Load(save(t, image.Data, nil, nil), hivefile.LoadOptions{Recovery: hivefile.IgnoreLogs, Tolerant: true})
		require.NoError(t, err)
		return file
	}
	file, request := load(), thirdNumber(4096)
	_, err := Apply(file, request)
	var damaged *edit.DamageError
	require.ErrorAs(t, err, &damaged)
	require.Equal(t, 1, damaged.Findings.Counts[check.Fatal])
	require.ErrorContains(t, err, "the hive is damaged in 1 place")
	request.AllowDamage = true
	file = load()
	report, err := Apply(file, request)
	require.NoError(t, err)
	requireReport(t, image.Data, file, report)
	require.Len(t, findings(file.Hive.Bytes(), check.Fatal), 1)
}

// TestAllowDamageInAllSets edits two sets of a damaged hive, which has free
// cells that nobody may take.
func TestAllowDamageInAllSets(t *testing.T) {
	image := isolated{hivetest.NT4().Build()}
	image.Put32(image.node("DISK"), hivetest.NodeSecurity, hivetest.NIL)
	end := hivetest.FileOffset(image.BinsSize())
	request := defaultRequest(t)
	request.AllowDamage, request.ControlSet = true, SelectAll
	done := apply(t, image.Data, request)
	require.Len(t, done.report.ControlSets, 2)
	require.Equal(t, changedNT4, valueText(t, done.data, "ControlSet001"))
	require.Equal(t, changedNT4, valueText(t, done.data, "ControlSet002"))
	require.Equal(t, findings(image.Data, check.Fatal), findings(done.data, check.Fatal))
	for _, r := range done.report.ChangedRanges {
		if strings.HasPrefix(r.What, "data of") {
			require.GreaterOrEqual(t, r.Offset, end, "%+v", r)
		}
	}
	require.Len(t, done.data, int(end)+hivetest.PageSize, "one bin for both")
}

// TestFindingsKept: of many findings some are kept, and all counted.
func TestFindingsKept(t *testing.T) {
	literal := hivetest.Windows10()
	many := hivetest.Key{Name: "Many"}
	for i := range 3 * 100 {
		many.Subkeys = append(many.Subkeys, hivetest.Key{Name: strings.Repeat("k", 1+i/26) + string(rune('a'+i%26))})
	}
	literal.Root.Subkeys = append(slices.Clone(literal.Root.Subkeys), many)
	image := literal.Build()
	for _, subkey := range many.Subkeys {
		image.Put32(image.Key(`Many\`+subkey.Name).Node, hivetest.NodeSecurity, hivetest.NIL)
	}
	var damaged *edit.DamageError
	require.ErrorAs(t, refuse(t, image.Data, thirdNumber(4096)), &damaged)
	require.Equal(t, 3*100, damaged.Findings.Counts[check.Fatal])
	fatal := slices.DeleteFunc(slices.Clone(damaged.Findings.List), func(f check.Finding) bool { return f.Level != check.Fatal })
	require.Len(t, fatal, 100)
	require.Contains(t, damaged.Error(), "the hive is damaged in 300 places")
	require.Contains(t, damaged.Hint(), edit.OverrideDamage)
}
