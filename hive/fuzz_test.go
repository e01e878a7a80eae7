package hive_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivetest"
)

// largestInput keeps a fuzzer at small hives, where it finds more.
const largestInput = 512 << 10

// addHives gives a fuzzer all samples and all damaged hives.
func addHives(f *testing.F) {
	for _, sample := range samples {
		f.Add(sample.hive().Build().Data)
	}
	for _, dirty := range []hivetest.DirtyHive{hivetest.DirtyWindows10(), hivetest.DirtyOld()} {
		f.Add(dirty.Primary)
		f.Add(dirty.Log1)
	}
	for _, mutation := range hivetest.Mutations() {
		f.Add(mutation.Build().Data)
	}
}

// readEverything walks a hive and reads what every key holds. The work is
// bounded: by the size of the hive where it is the package's to do so, and by a
// limit of bytes here, since keys of a damaged hive may share their values.
func readEverything(t *testing.T, h *hive.Hive) (values []*hive.Value) {
	steps, left := 0, 64<<20
	for k, err := range h.Walk() {
		if steps++; steps > len(h.Bytes())/4+2 {
			require.Fail(t, "the walk does not end")
		}
		if err != nil {
			require.ErrorIs(t, err, hive.ErrCorrupt)
			continue
		}
		for v, err := range k.Values() {
			if left -= 20; left < 0 {
				return values
			}
			if err != nil {
				require.ErrorIs(t, err, hive.ErrCorrupt)
				continue
			}
			data, err := v.Data()
			if err != nil {
				require.ErrorIs(t, err, hive.ErrCorrupt)
			}
			left -= len(data)
			values = append(values, v)
		}
		if _, err := k.Class(); err != nil {
			require.ErrorIs(t, err, hive.ErrCorrupt)
		}
		if _, err := k.SecurityDescriptor(); err != nil {
			require.ErrorIs(t, err, hive.ErrCorrupt)
		}
		_, _ = k.Value("Windows")
		_, _ = k.Subkey("Control")
	}
	return values
}

// FuzzOpen reads and checks whatever comes.
func FuzzOpen(f *testing.F) {
	addHives(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > largestInput {
			t.Skip()
		}
		original := bytes.Clone(data)
		findings := 0
		check.Bytes(data, func(finding check.Finding) {
			findings++
			if finding.Code == "" || finding.Message == "" || finding.Offset < 0 {
				t.Errorf("finding without a code, a message or a place: %+v", finding)
			}
		})
		require.True(t, bytes.Equal(original, data), "check changes nothing")
		h, err := hive.Open(data, hive.Tolerant(), hive.IgnoreDirty())
		if err != nil {
			require.ErrorIs(t, err, hive.ErrNotHive)
			require.Positive(t, findings, "check finds fault with what does not open")
			return
		}
		readEverything(t, h)
		_, _ = h.Select()
		_, _ = h.Key(hivetest.SubSystems)
		_, _ = h.Key(`CurrentControlSet\Control`)
		_, err = hive.Open(data, hive.IgnoreDirty())
		if err != nil {
			require.ErrorIs(t, err, hive.ErrCorrupt)
			require.Positive(t, findings, "check finds fault with what does not open")
		}
		_, _ = hive.Open(data)
		require.True(t, bytes.Equal(original, data), "reading changes nothing")
	})
}

// FuzzRoundTrip writes back what was read.
func FuzzRoundTrip(f *testing.F) {
	addHives(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > largestInput {
			t.Skip()
		}
		original := bytes.Clone(data)
		for _, options := range [][]hive.Option{{}, {hive.IgnoreDirty()}, {hive.IgnoreDirty(), hive.Tolerant()}} {
			h, err := hive.Open(data, options...)
			if err != nil {
				continue
			}
			readEverything(t, h)
			require.True(t, bytes.Equal(original, h.Bytes()))
			require.False(t, h.Modified())
			require.Empty(t, h.Changes())
			if h.Clean() {
				h.Seal(now)
				require.True(t, bytes.Equal(original, h.Bytes()))
			}
		}
	})
}

// FuzzDamagedEdit edits values of whatever comes: an edit that fails changes
// nothing, one that does not can be read back, and the list of changes is right.
func FuzzDamagedEdit(f *testing.F) {
	for _, sample := range samples {
		f.Add(sample.hive().Build().Data, []byte{1, 2, 3, 4, 5, 6})
	}
	for i, mutation := range hivetest.Mutations() {
		f.Add(mutation.Build().Data, []byte{byte(i), byte(i >> 1), 7, 0, 250, 249})
	}
	f.Fuzz(func(t *testing.T, data, script []byte) {
		if len(data) > largestInput || len(script) > 64 {
			t.Skip()
		}
		original := bytes.Clone(data)
		h, err := hive.Open(data, hive.Tolerant(), hive.IgnoreDirty())
		if err != nil || h.Editable() != nil {
			return
		}
		values := readEverything(t, h)
		if len(values) == 0 {
			return
		}
		for i := 0; i+1 < len(script); i += 2 {
			v := values[int(script[i])%len(values)]
			want := hivetest.Noise(scriptLength(script[i+1], script[i]), uint32(i))
			before, changes := bytes.Clone(h.Bytes()), h.Changes()
			if err := v.SetData(hive.Binary, want, now); err != nil {
				require.True(t, bytes.Equal(before, h.Bytes()))
				require.Equal(t, changes, h.Changes())
			}
		}
		h.Seal(now)
		requireChanges(t, original, h)
		check.Bytes(h.Bytes(), func(check.Finding) {})
		readEverything(t, h)
	})
}

// scriptLength makes a length of data from two bytes, most of them short or
// near to one where data changes its place.
func scriptLength(kind, n byte) int {
	switch kind % 8 {
	case 0:
		return int(n) % 9
	case 1, 2, 3:
		return int(n)
	case 4:
		return int(n) * 33
	case 5:
		return 16344 - 4 + int(n)%9
	case 6:
		return 16380 - 4 + int(n)%9
	}
	return int(n) * 257
}

// editBases are the hives that FuzzEdit edits.
var editBases = []func() hivetest.Hive{
	hivetest.NT4, hivetest.Windows7, hivetest.Windows10, hivetest.Exotic,
	func() hivetest.Hive { return versioned(hivetest.NT4(), 2) },
	func() hivetest.Hive { return versioned(hivetest.Windows7(), 4) },
}

// FuzzEdit runs a script of edits on a hive and on a map from values to data.
// Each three bytes are a value, a kind of length and a length.
func FuzzEdit(f *testing.F) {
	f.Add([]byte{0, 1, 0, 200, 1, 1, 100, 1, 5, 4, 2, 7, 255, 2, 0, 0})
	f.Add([]byte{1, 9, 5, 4, 9, 5, 5, 9, 5, 3, 9, 0, 4, 9, 0, 5, 9, 7, 200})
	f.Add([]byte{2, 0, 7, 10, 1, 7, 20, 2, 7, 30, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 7, 60})
	f.Add([]byte{3, 5, 6, 3, 5, 6, 4, 5, 6, 5, 6, 6, 3, 6, 1, 1})
	f.Add([]byte{4, 7, 7, 130, 8, 7, 131, 7, 4, 1, 8, 4, 1})
	f.Add([]byte{5, 3, 7, 191, 3, 7, 190, 3, 7, 64, 3, 7, 63, 3, 7, 127})
	f.Add(hivetest.Noise(300, 1))
	type base struct {
		data  []byte
		sound map[string]int
	}
	var bases []base
	for _, build := range editBases {
		data := build().Build().Data
		bases = append(bases, base{data, findings(data)})
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) == 0 || len(script) > 600 {
			t.Skip()
		}
		base := bases[int(script[0])%len(bases)]
		h := open(t, base.data)
		values := readEverything(t, h)
		model := make([][]byte, len(values))
		for i, v := range values {
			model[i] = dataOf(t, v)
		}
		for i := 1; i+2 < len(script); i += 3 {
			at := int(script[i]) % len(values)
			model[at] = hivetest.Noise(scriptLength(script[i+1], script[i+2]), uint32(i))
			require.NoError(t, values[at].SetData(values[at].Type(), model[at], now))
			require.True(t, bytes.Equal(model[at], dataOf(t, values[at])))
			if i%24 == 1 {
				requireNoWorse(t, withDirt(base.sound), h.Bytes())
			}
		}
		for i, v := range values {
			require.True(t, bytes.Equal(model[i], dataOf(t, v)), "%s|%s", v.Key().Path(), v.Name())
		}
		h.Seal(now)
		requireChanges(t, base.data, h)
		again := open(t, h.Bytes())
		requireNoWorse(t, base.sound, again.Bytes())
		read := readEverything(t, again)
		require.Len(t, read, len(values))
		for i, v := range read {
			require.Equal(t, values[i].Key().Path(), v.Key().Path())
			require.Equal(t, values[i].Name(), v.Name())
			require.Equal(t, values[i].Type(), v.Type())
			require.True(t, bytes.Equal(model[i], dataOf(t, v)), "%s|%s", v.Key().Path(), v.Name())
		}
	})
}

// FuzzScript runs a script of edits of keys, values, classes and descriptors on
// an empty hive and on a model in memory.
func FuzzScript(f *testing.F) {
	for i := range uint32(6) {
		f.Add(byte(i), hivetest.Noise(int(200+3000*i), i))
	}
	f.Fuzz(func(t *testing.T, minor byte, choices []byte) {
		if len(choices) > 20000 {
			t.Skip()
		}
		s := newScript(t, 3+2*uint32(minor%2), func(n int) int {
			if len(choices) < 2 {
				choices = nil
				return 0
			}
			choice := int(choices[0]) | int(choices[1])<<8
			choices = choices[2:]
			return choice % n
		})
		for steps := 0; len(choices) > 0; steps++ {
			s.step()
			if steps%64 == 0 {
				s.requireClean()
			}
		}
		s.h.Seal(now)
		s.requireEqual()
		s.requireClean()
		s.h = open(t, s.h.Bytes())
		s.requireEqual()
	})
}

// FuzzDamagedKeys edits the keys of whatever comes: an edit that fails changes
// nothing.
func FuzzDamagedKeys(f *testing.F) {
	for _, sample := range samples {
		f.Add(sample.hive().Build().Data, []byte{1, 2, 3, 4, 5, 6})
	}
	for i, mutation := range hivetest.Mutations() {
		f.Add(mutation.Build().Data, []byte{byte(i), 0, byte(i >> 1), 1, 7, 2, 250, 3, 8, 4, 0, 5, 3, 6, 9, 7})
	}
	f.Fuzz(func(t *testing.T, data, script []byte) {
		if len(data) > largestInput || len(script) > 64 {
			t.Skip()
		}
		original := bytes.Clone(data)
		h, err := hive.Open(data, hive.Tolerant(), hive.IgnoreDirty())
		if err != nil || h.Editable() != nil {
			return
		}
		for i := 0; i+1 < len(script); i += 2 {
			key := keyNumber(h, int(script[i]))
			if key == nil {
				return
			}
			before, changes := bytes.Clone(h.Bytes()), h.Changes()
			if err := editKey(key, script[i+1]); err != nil {
				require.True(t, bytes.Equal(before, h.Bytes()), err)
				require.Equal(t, changes, h.Changes())
			}
		}
		h.Seal(now)
		requireChanges(t, original, h)
		check.Bytes(h.Bytes(), func(check.Finding) {})
		readEverything(t, h)
	})
}

// keyNumber is the n-th key of a walk, or the last one before.
func keyNumber(h *hive.Hive, n int) (key *hive.Key) {
	for k, err := range h.Walk() {
		if n--; n < 0 {
			break
		}
		if err == nil {
			key = k
		}
	}
	return key
}

// editKey makes one of eight edits.
func editKey(key *hive.Key, choice byte) error {
	switch choice % 8 {
	case 0:
		_, err := key.CreateSubkey("new", now)
		return err
	case 1:
		return key.Delete(now)
	case 2:
		return key.Rename("A rather long name, to move the key", now)
	case 3:
		return key.SetClass("class", now)
	case 4:
		return key.SetSecurityDescriptor([]byte(descriptors[int(choice)%len(descriptors)]), now)
	case 5:
		_, err := key.SetValue("new", hive.SZ, []byte("some data"), now)
		return err
	case 6:
		for v, err := range key.Values() {
			if err == nil {
				return v.Delete(now)
			}
		}
	case 7:
		for v, err := range key.Values() {
			if err == nil {
				return v.Rename("another name, which is longer", now)
			}
		}
	}
	return nil
}
