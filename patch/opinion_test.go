package patch

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"www.velocidex.com/golang/regparser"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivetest"
)

// disagreements are hives that are sound, that we read right, and that
// regparser reads otherwise: it does not know names in UTF-16, tells big data
// by its first two bytes instead of its length, and loses the end of a last
// segment that is cut to its length.
func disagreements() map[string]func() *hivetest.Image {
	wide := func(path string) func() *hivetest.Image {
		return func() *hivetest.Image {
			literal := hivetest.Windows10()
			literal.Key(path).WideName = true
			return literal.Build()
		}
	}
	wideValue := func(path, name string) func() *hivetest.Image {
		return func() *hivetest.Image {
			literal := hivetest.Windows10()
			literal.Key(path).Value(name).WideName = true
			return literal.Build()
		}
	}
	cases := map[string]func() *hivetest.Image{
		"set in UTF-16":               wide("ControlSet001"),
		"key of the value in UTF-16":  wide(hivetest.SubSystems),
		"Select in UTF-16":            wide("Select"),
		"value in UTF-16":             wideValue(hivetest.SubSystems, valueName),
		"number of Select in UTF-16":  wideValue("Select", "Default"),
		"number that begins with db":  numberDB,
		"segment cut to its 2 bytes":  func() *hivetest.Image { return segmented(2, true) },
		"segment cut to its 4 bytes":  func() *hivetest.Image { return segmented(4, true) },
		"segment cut to its 10 bytes": func() *hivetest.Image { return segmented(10, true) },
	}
	return cases
}

// numberDB has a control set of a number that is 0x6264, stored in a cell.
func numberDB() *hivetest.Image {
	const number = 'd' | 'b'<<8
	literal := hivetest.Windows10()
	literal.Key("ControlSet001").Name = fmt.Sprintf("ControlSet%d", number)
	for _, name := range []string{"Current", "Default", "LastKnownGood"} {
		literal.Key("Select").SetValue(hivetest.Value{Name: name, Type: hivetest.TypeDWORD, Data: hivetest.DWORD(number), Direct: true})
	}
	return literal.Build()
}

// segmented has a command line that is big data, with so many bytes in its last
// segment, which can be cut to its length. Windows does not cut it.
func segmented(last int, cut bool) *hivetest.Image {
	const filler = " ProfileControl=Off"
	command := hivetest.CommandLine("SharedSection=1024,20480,768", hivetest.CommandTailWin10)
	command += strings.Repeat(filler, hivetest.SegmentData/2/len(filler)+20)
	units := (hivetest.SegmentData+last)/2 - 1 // and a NUL
	command = strings.TrimRight(command[:units-len(filler)], " ")
	command = command[:strings.LastIndex(command, " ")]
	command += strings.Repeat(" ", units-len(command)-len(filler)) + filler
	image := hivetest.Windows10With(command).Build()
	place := image.Value(hivetest.SubSystems, valueName)
	if cut {
		cell := place.Segments[1]
		whole := uint32(-image.CellSize(cell))
		size := (uint32(4+last) + 7) &^ 7
		image.SetCellSize(cell, -int32(size))
		image.SetCellSize(cell+size, -int32(whole-size))
		image.Free(cell + size)
	}
	return image
}

// TestSecondOpinion: where the second reader disagrees nothing is done.
func TestSecondOpinion(t *testing.T) {
	for name, build := range disagreements() {
		t.Run(name, func(t *testing.T) {
			data := build().Data
			require.Empty(t, findings(data, check.Fatal, check.Limited), "the hive is sound")
			err := refuse(t, data, thirdNumber(4096))
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			require.Contains(t, refused.Reason, "a second, independent reader (regparser) disagrees about ")
			require.Empty(t, refused.Override, "nothing overrides it")
		})
	}
}

// TestSecondOpinionAgrees with the same hives without what it does not know.
func TestSecondOpinionAgrees(t *testing.T) {
	for _, last := range []int{2, 4, 6, 8, 10, 16} {
		t.Run(fmt.Sprintf("%d bytes in a whole segment", last), func(t *testing.T) {
			data := segmented(last, false).Data
			for _, third := range []uint32{512, 4096} {
				done := apply(t, data, thirdNumber(third))
				require.Equal(t, fmt.Sprintf("SharedSection=1024,20480,%d", third), tokenOf(t, done.data))
				require.Contains(t, done.report.VerifiedBy, "regparser")
				requireSound(t, done.data)
				requireUnchanged(t, done.data, thirdNumber(third))
			}
		})
	}
	for _, last := range []int{6, 8, 14, 16} {
		t.Run(fmt.Sprintf("%d bytes in a cut segment", last), func(t *testing.T) {
			apply(t, segmented(last, true).Data, thirdNumber(512))
		})
	}
	t.Run("names in UTF-16 elsewhere", func(t *testing.T) {
		literal := hivetest.Windows10()
		literal.Key("WPA").WideName = true
		literal.Key(`Setup`).Value("CmdLine").WideName = true
		apply(t, literal.Build().Data, thirdNumber(512))
	})
}

// TestSecondOpinionAfterwards: the second reader is asked about the result too.
// Here it reads the old text right and loses the end of the new one.
func TestSecondOpinionAfterwards(t *testing.T) {
	data := segmented(8, true).Data
	apply(t, data, thirdNumber(512))
	report, err := Apply(load(t, data), thirdNumber(4096))
	require.Nil(t, report)
	var refused *RefusedError
	require.ErrorAs(t, err, &refused)
	require.Contains(t, refused.Reason, "regparser) disagrees about ControlSet001")
}

// TestSecondOpinionOnSelect: numbers that we refuse to read are not compared.
func TestSecondOpinionOnSelect(t *testing.T) {
	literal := nt4(selectsNone("LastKnownGood"), selectsData("Failed", hivetest.TypeSZ, hivetest.SZ("0")))
	apply(t, literal.Build().Data, defaultRequest(t))
	request := defaultRequest(t)
	request.ControlSet = "2"
	apply(t, nt4(withoutSelect).Build().Data, request)
}

// TestCompareOpinion tells what is compared: name, type and every byte.
func TestCompareOpinion(t *testing.T) {
	h := load(t, hivetest.Windows10().Build().Data).Hive
	reader, err := regparser.NewRegistry(bytes.NewReader(h.Bytes()))
	require.NoError(t, err)
	one := hivetest.DWORD(1)
	require.NoError(t, compareOpinion(reader, "Select", "Current", hive.DWord, one))
	require.NoError(t, compareOpinion(reader, "select", "cURRENT", hive.DWord, one))
	for _, test := range []struct {
		path, name string
		kind       hive.Type
		data       []byte
		want       string
	}{
		{"Selected", "Current", hive.DWord, one, "does not find the key"},
		{"Select", "Curren", hive.DWord, one, "does not find the value"},
		{"Select", "Current", hive.Binary, one, "reads type 4, want 3"},
		{"Select", "Current", hive.DWord, hivetest.DWORD(2), "reads 4 bytes that are not the 4 bytes read here"},
		{"Select", "Current", hive.DWord, hivetest.QWORD(1), "reads 4 bytes that are not the 8 bytes read here"},
		{"Select", "Current", hive.DWord, []byte{2}, "reads 1 bytes that are not the 1 bytes read here"},
	} {
		t.Run(test.want, func(t *testing.T) {
			require.ErrorContains(t, compareOpinion(reader, test.path, test.name, test.kind, test.data), test.want)
		})
	}
}
