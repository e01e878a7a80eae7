package hive_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
)

// model is a tree of keys in memory, to hold a hive against.
type model struct {
	name     string
	class    string
	security string
	keys     map[string]*model // by folded name
	values   map[string]*modelValue
}

type modelValue struct {
	name string
	kind hive.Type
	data []byte
}

func newModel(name, security string) *model {
	return &model{name: name, security: security, keys: map[string]*model{}, values: map[string]*modelValue{}}
}

// fold is what two names have in common that Windows takes for the same: upper
// case, but for the final sigma and the dotless i, which have none there.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r == 'ς' || r == 'ı' {
			return r
		}
		return unicode.ToUpper(r)
	}, name)
}

// script makes edits of a hive and of its model alike.
type script struct {
	t     testing.TB
	h     *hive.Hive
	root  *model
	next  func(n int) int // a number below n
	clock time.Time
	most  int // bytes of the data of a value
}

var descriptors = func() []string {
	var texts []string
	for i := range 5 {
		sid := append([]byte{1, 1, 0, 0, 0, 0, 0, 5}, binary.LittleEndian.AppendUint32(nil, uint32(i+11))...)
		b := []byte{1, 0, 0, 0x80}
		b = binary.LittleEndian.AppendUint32(b, 20)
		b = append(b, make([]byte, 12)...)
		texts = append(texts, string(append(b, sid...)))
	}
	return texts
}()

func (s *script) name() string {
	letters := []string{"a", "B", "c", "[", "_", "^", "`", "é", "ÿ", "ß", "ж", "Σ", "ς", "ı", "😀", "\xed\xa0\x80", "x\x00y"}
	name := fmt.Sprint(s.next(40))
	if s.next(3) == 0 {
		name = letters[s.next(len(letters))] + name
	}
	if s.next(20) == 0 {
		name += strings.Repeat("long ", s.next(40))
	}
	return name
}

// pick returns a key that exists, in the hive and in the model, and the one
// above it.
func (s *script) pick() (k *hive.Key, m, above *model) {
	k, err := s.h.Root()
	require.NoError(s.t, err)
	m = s.root
	for len(m.keys) > 0 && s.next(4) > 0 {
		names := slices.Sorted(maps.Keys(m.keys))
		above, m = m, m.keys[names[s.next(len(names))]]
		k, err = k.Subkey(m.name)
		require.NoError(s.t, err)
	}
	return k, m, above
}

func (s *script) data() []byte {
	n := s.next(200)
	switch s.next(20) {
	case 0:
		n = s.next(s.most)
	case 1, 2, 3:
		n = s.next(6)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + n)
	}
	return b
}

func (s *script) step() {
	t := s.t
	s.clock = s.clock.Add(time.Second)
	k, m, above := s.pick()
	switch op := s.next(100); {
	case op < 25:
		name := s.name()
		_, err := k.CreateSubkey(name, s.clock)
		if m.keys[fold(name)] != nil {
			require.ErrorIs(t, err, hive.ErrExists)
			return
		}
		require.NoError(t, err)
		m.keys[fold(name)] = newModel(name, m.security)
	case op < 32:
		if above == nil {
			require.ErrorIs(t, k.Delete(s.clock), hive.ErrProtected)
			return
		}
		require.NoError(t, k.Delete(s.clock))
		delete(above.keys, fold(m.name))
	case op < 40:
		name := s.name()
		if above == nil {
			return
		}
		err := k.Rename(name, s.clock)
		if other := above.keys[fold(name)]; other != nil && other != m {
			require.ErrorIs(t, err, hive.ErrExists)
			return
		}
		require.NoError(t, err)
		delete(above.keys, fold(m.name))
		m.name = name
		above.keys[fold(name)] = m
	case op < 44:
		m.class = strings.Repeat("class", s.next(4))
		require.NoError(t, k.SetClass(m.class, s.clock))
	case op < 48:
		m.security = descriptors[s.next(len(descriptors))]
		require.NoError(t, k.SetSecurityDescriptor([]byte(m.security), s.clock))
	case op < 80:
		name, kind, data := s.name(), hive.Type(s.next(13)), s.data()
		if s.next(10) == 0 {
			name = ""
		}
		_, err := k.SetValue(name, kind, data, s.clock)
		require.NoError(t, err)
		if old := m.values[fold(name)]; old != nil {
			name = old.name
		}
		m.values[fold(name)] = &modelValue{name, kind, data}
	case len(m.values) == 0:
	default:
		names := slices.Sorted(maps.Keys(m.values))
		old := m.values[names[s.next(len(names))]]
		v, err := k.Value(old.name)
		require.NoError(t, err)
		if op < 90 {
			require.NoError(t, v.Delete(s.clock))
			delete(m.values, fold(old.name))
			return
		}
		name := s.name()
		err = v.Rename(name, s.clock)
		if other := m.values[fold(name)]; other != nil && other != old {
			require.ErrorIs(t, err, hive.ErrExists)
			return
		}
		require.NoError(t, err)
		delete(m.values, fold(old.name))
		old.name = name
		m.values[fold(name)] = old
	}
}

// requireEqual requires that the hive holds just what the model does.
func (s *script) requireEqual() {
	root, err := s.h.Root()
	require.NoError(s.t, err)
	s.requireKey(root, s.root)
}

func (s *script) requireKey(k *hive.Key, m *model) {
	t := s.t
	class, err := k.Class()
	require.NoError(t, err)
	require.Equal(t, m.class, class, k.Path())
	security, err := k.SecurityDescriptor()
	require.NoError(t, err)
	require.Equal(t, m.security, string(security), k.Path())
	values := 0
	for v, err := range k.Values() {
		require.NoError(t, err)
		want := m.values[fold(v.Name())]
		require.NotNil(t, want, "%s has value %q", k.Path(), v.Name())
		require.Equal(t, want.name, v.Name())
		require.Equal(t, want.kind, v.Type())
		require.True(t, bytes.Equal(want.data, dataOf(t, v)), "data of %s %q", k.Path(), v.Name())
		values++
	}
	require.Len(t, m.values, values, k.Path())
	subkeys := 0
	for child, err := range k.Subkeys() {
		require.NoError(t, err)
		want := m.keys[fold(child.Name())]
		require.NotNil(t, want, "%s has subkey %q", k.Path(), child.Name())
		require.Equal(t, want.name, child.Name())
		s.requireKey(child, want)
		subkeys++
	}
	require.Len(t, m.keys, subkeys, k.Path())
}

// requireClean requires that the check finds nothing, but for the order and the
// hashes of names of which Windows' tables differ.
func (s *script) requireClean() {
	var found []check.Finding
	check.Bytes(s.h.Bytes(), func(f check.Finding) { found = append(found, f) })
	found = slices.DeleteFunc(found, func(f check.Finding) bool {
		return f.Code == check.CodeSequence || f.Code == check.CodeChecksum
	})
	slices.SortFunc(found, func(a, b check.Finding) int { return cmp.Compare(a.Offset, b.Offset) })
	require.Empty(s.t, found)
}

// requireSmall requires that the file is at most a tenth larger than what it
// holds; a small one may have two pages more.
func (s *script) requireSmall() {
	size, live := len(s.h.Bytes()), liveData(s.t, s.h.Bytes())
	require.LessOrEqual(s.t, size, max(live*110/100, live+2*4096))
}

func newScript(t testing.TB, minor uint32, next func(int) int) *script {
	h, err := hive.New(minor, now)
	require.NoError(t, err)
	root, err := h.Root()
	require.NoError(t, err)
	security, err := root.SecurityDescriptor()
	require.NoError(t, err)
	return &script{t: t, h: h, root: newModel("ROOT", string(security)), next: next, clock: now, most: 50000}
}

func TestRandomEdits(t *testing.T) {
	for _, minor := range []uint32{3, 5} {
		t.Run(fmt.Sprintf("1.%d", minor), func(t *testing.T) {
			random := rand.New(rand.NewPCG(21, uint64(minor)))
			s := newScript(t, minor, random.IntN)
			for i := range 10000 {
				s.step()
				if i%100 == 99 {
					s.requireClean()
					s.requireSmall()
				}
			}
			s.requireEqual()
			s.h.Seal(s.clock)
			written := open(t, s.h.Bytes())
			s.h = written
			s.requireEqual()
		})
	}
}
