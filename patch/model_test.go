package patch

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// The parts around SharedSection as Windows 8 and later, and Windows 7, ship
// them.
const (
	linePrefix = `%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows `
	stockToken = `SharedSection=1024,20480,768`
	lineTail   = ` Windows=On SubSystemType=Windows ServerDll=basesrv,1` +
		` ServerDll=winsrv:UserServerDllInitialization,3 ServerDll=sxssrv,4` +
		` ProfileControl=Off MaxRequestThreads=16`
	lineTail7 = ` Windows=On SubSystemType=Windows ServerDll=basesrv,1` +
		` ServerDll=winsrv:UserServerDllInitialization,3` +
		` ServerDll=winsrv:ConServerDllInitialization,2 ServerDll=sxssrv,4` +
		` ProfileControl=Off MaxRequestThreads=16`
)

// encode turns text into UTF-16LE without a NUL.
func encode(text string) []byte {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return data
}

// The expected numbers come from a second implementation of both readers in
// another language and were computed once.
func TestModels(t *testing.T) {
	for _, test := range []struct {
		name            string
		value           string
		bootsWindows8   bool // with a build of 9200 or later
		boots           bool // with an unknown build
		sharedKB        uint32
		interactive     uint32
		noninteractive  uint32
		reservationKB   uint64
		reservationWrap bool
	}{
		{`SharedSection=1024,20480,768`, linePrefix + `SharedSection=1024,20480,768` + lineTail, true, true, 1024, 20480, 768, 28448, false},
		{`SharedSection=1024,3072`, linePrefix + `SharedSection=1024,3072` + lineTail, true, true, 1024, 3072, 3072, 34080, false},
		{`SharedSection=1024, 20480,768`, linePrefix + `SharedSection=1024, 20480,768` + lineTail, false, false, 0, 20480, 768, 28448, false},
		{`SharedSection=1024,20480, 768`, linePrefix + `SharedSection=1024,20480, 768` + lineTail, true, true, 1024, 20480, 768, 28448, false},
		{`SharedSection=1024`, linePrefix + `SharedSection=1024` + lineTail, false, false, 0, 512, 128, 2080, false},
		{`SharedSection=1024,`, linePrefix + `SharedSection=1024,` + lineTail, false, false, 0, 512, 512, 5920, false},
		{`SharedSection=`, linePrefix + `SharedSection=` + lineTail, false, false, 0, 512, 128, 2080, false},
		{`SharedSection=1024,,768`, linePrefix + `SharedSection=1024,,768` + lineTail, true, true, 1024, 512, 768, 8480, false},
		{`SharedSection=1024,20480,`, linePrefix + `SharedSection=1024,20480,` + lineTail, true, true, 1024, 20480, 128, 22048, false},
		{`sharedsection=1024,20480,768`, linePrefix + `sharedsection=1024,20480,768` + lineTail, true, true, 1024, 512, 128, 2080, false},
		{`SharedSection=1024,20480,64`, linePrefix + `SharedSection=1024,20480,64` + lineTail, true, true, 1024, 20480, 128, 22048, false},
		{`SharedSection=1024,256,64`, linePrefix + `SharedSection=1024,256,64` + lineTail, true, true, 1024, 512, 128, 2080, false},
		{`SharedSection=0x400,0x5000,0x300`, linePrefix + `SharedSection=0x400,0x5000,0x300` + lineTail, true, true, 1024, 20480, 768, 28448, false},
		{`SharedSection=1024,20480KB,768KB`, linePrefix + `SharedSection=1024,20480KB,768KB` + lineTail, true, true, 1024, 20480, 768, 28448, false},
		{`SharedSection=1,024,20,480,768`, linePrefix + `SharedSection=1,024,20,480,768` + lineTail, true, true, 1, 512, 128, 2080, false},
		{`SharedSection=1024,20480,768,512`, linePrefix + `SharedSection=1024,20480,768,512` + lineTail, true, true, 1024, 20480, 768, 28448, false},
		{`SharedSection=1024,20480,768,SeDebugPrivilege`, linePrefix + `SharedSection=1024,20480,768,SeDebugPrivilege` + lineTail, true, true, 1024, 20480, 768, 28448, false},
		{`SharedSection=0x00000400,0x00010000,0x00001000`, linePrefix + `SharedSection=0x00000400,0x00010000,0x00001000` + lineTail, true, true, 1024, 512, 512, 5920, false},
		{`SharedSection=1024,-1,768`, linePrefix + `SharedSection=1024,-1,768` + lineTail, true, true, 1024, 4294967295, 768, 4294975263, true},
		{`SharedSection=0,20480,768`, linePrefix + `SharedSection=0,20480,768` + lineTail, false, false, 0, 20480, 768, 28448, false},
		{`SharedSection="1024,20480,768"`, linePrefix + `SharedSection="1024,20480,768"` + lineTail, false, false, 0, 20480, 768, 28448, false},
		{`SharedSection=1024;20480;768`, linePrefix + `SharedSection=1024;20480;768` + lineTail, false, false, 0, 512, 128, 2080, false},
		{`SharedSection=1024,4194304,768`, linePrefix + `SharedSection=1024,4194304,768` + lineTail, true, true, 1024, 4194304, 768, 4202272, true},
		{`SharedSection=1024,1048576,65536`, linePrefix + `SharedSection=1024,1048576,65536` + lineTail, true, true, 1024, 1048576, 65536, 1704224, false},
		{`SharedSection=1024,10485760,65536`, linePrefix + `SharedSection=1024,10485760,65536` + lineTail, true, true, 1024, 10485760, 6553, 10551578, true},
		{`SharedSection=1024,20480,768 SharedSection=1024,20480,4096`, linePrefix + `SharedSection=1024,20480,768 SharedSection=1024,20480,4096` + lineTail, false, false, 0, 20480, 768, 28448, false},
		{`SharedSection =1024,20480,768`, linePrefix + `SharedSection =1024,20480,768` + lineTail, false, false, 0, 20480, 768, 28448, false},
		{`SharedSection=1024,20480,20480`, linePrefix + `SharedSection=1024,20480,20480` + lineTail, true, true, 1024, 20480, 20480, 225568, false},
		{`SharedSection=1024,6144,204800`, linePrefix + `SharedSection=1024,6144,204800` + lineTail, true, true, 1024, 6144, 204800, 2054432, false},
		{`no token`, linePrefix + lineTail, false, false, 0, 512, 128, 2080, false},
		{`Windows 7 tail`, linePrefix + stockToken + lineTail7, false, true, 1024, 20480, 768, 28448, false},
		{`Windows without =`, linePrefix + stockToken + strings.Replace(lineTail, "Windows=On", "Windows On", 1), false, false, 0, 20480, 768, 28448, false},
		{`destroyed line`, `Windows SharedSection=1024,20480,20480`, false, false, 0, 20480, 20480, 225568, false},
		{`unknown last token`, linePrefix + stockToken + lineTail + " foo", false, false, 1024, 20480, 768, 28448, false},
		{`unknown token before good ones`, linePrefix + "foo " + stockToken + lineTail, true, true, 1024, 20480, 768, 28448, false},
		{`MaxRequestThreads without =16`, linePrefix + stockToken + strings.Replace(lineTail, "=16", "", 1), true, true, 1024, 20480, 768, 28448, false},
		{`unknown token before MaxRequestThreads without value`, linePrefix + stockToken + " foo MaxRequestThreads", false, false, 1024, 20480, 768, 28448, false},
		{`ServerDll first`, `csrss.exe ServerDll=basesrv,1 ` + stockToken, false, false, 0, 20480, 768, 28448, false},
		{`ServerDll without index`, linePrefix + stockToken + strings.Replace(lineTail, "basesrv,1", "basesrv", 1), false, false, 0, 20480, 768, 28448, false},
		{`ServerDll with a wrong index`, linePrefix + stockToken + strings.Replace(lineTail, "basesrv,1", "basesrv,x", 1), false, false, 0, 20480, 768, 28448, false},
		{`beyond the window`, linePrefix + strings.Repeat("x", 600) + " " + stockToken + lineTail, true, true, 1024, 512, 128, 2080, false},
		{`keyword in another token`, linePrefix + "MySharedSection=1,2000,3000 " + stockToken + lineTail, true, true, 1024, 2000, 3000, 32288, false},
		{`third number from a neighbour`, `csrss.exe SharedSection=1,600 X=a,700 ServerDll=basesrv,1`, true, true, 1, 600, 700, 7888, false},
		{`text behind a NUL`, linePrefix + stockToken + lineTail + "\x00 foo", true, true, 1024, 20480, 768, 28448, false},
		{`ObjectDirectory behind an unknown token`, `csrss.exe SharedSection=1,2 foo ObjectDirectory=\Windows`, true, true, 1, 512, 512, 5920, false},
		{`empty`, ``, false, false, 0, 512, 128, 2080, false},
		{`A wraps to nothing`, linePrefix + `SharedSection=4194304,20480,768` + lineTail, false, false, 0, 20480, 768, 28448, false},
		{`ends at character 605`, linePrefix + strings.Repeat("x", 519) + " " + stockToken + lineTail, true, true, 1024, 20480, 768, 28448, false},
		{`ends at character 606`, linePrefix + strings.Repeat("x", 520) + " " + stockToken + lineTail, true, true, 1024, 20480, 768, 28448, false},
		{`ends at character 607`, linePrefix + strings.Repeat("x", 521) + " " + stockToken + lineTail, true, true, 1024, 20480, 128, 22048, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			value := NewValue(test.value)
			unknown := value.CSRSS(System{})
			require.Equal(t, test.boots, unknown.Boots, unknown.Why)
			require.Equal(t, test.boots, unknown.Why == "")
			require.Equal(t, test.boots, value.CSRSS(System{Build: 9199}).Boots)
			require.Equal(t, test.bootsWindows8, value.CSRSS(System{Build: 9200}).Boots)
			require.Equal(t, test.bootsWindows8, value.CSRSS(System{Build: 9201}).Boots)
			require.Equal(t, test.sharedKB, unknown.SharedKB)
			heaps := value.Win32k()
			require.Equal(t, test.interactive, heaps.InteractiveKB, heaps.Why)
			require.Equal(t, test.noninteractive, heaps.NoninteractiveKB, heaps.Why)
			if heaps.Position >= 0 {
				require.Equal(t, strings.Index(test.value, "SharedSection"), heaps.Position)
			}
			budget := heaps.Budget(System{Bits: 64})
			require.Equal(t, test.reservationKB, budget.ReservationKB)
			require.Equal(t, test.reservationWrap, budget.Wraps)
		})
	}
}
