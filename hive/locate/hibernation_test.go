package locate

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// hibernated is a file of Windows' memory that begins with a signature.
func hibernated(signature string) []byte {
	data := make([]byte, 3*hibernationHeader)
	copy(data, signature)
	data[5] = 1
	return data
}

func TestCheckHibernation(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want string // "" for no error
	}{
		{"Windows 7", hibernated("hibr"), `it begins with "hibr": Windows is hibernated`},
		{"Windows 10", hibernated("HIBR"), `it begins with "HIBR": Windows is hibernated`},
		{"resuming", hibernated("RSTR"), `it begins with "RSTR": Windows is hibernated`},
		{"embedded Windows that resumes many times", hibernated("HORM"), `it begins with "HORM": Windows is hibernated`},
		{"memory on another volume", hibernated("link"), `it begins with "link": Windows is hibernated`},
		{"has resumed", hibernated("wake"), ""},
		{"has resumed, Windows 10", hibernated("WAKE"), ""},
		{"zeros", make([]byte, 3*hibernationHeader), ""},
		{"zeros in the first page", append(make([]byte, hibernationHeader), "memory"...), ""},
		{"something else", hibernated("\x01\x02\x03\x04"), "it cannot be told whether Windows is hibernated"},
		{"no signature", hibernated(""), "it cannot be told whether Windows is hibernated"},
		{"empty", nil, "its 0 bytes stand for the memory of a Windows on another volume"},
		{"one byte less than a page", make([]byte, hibernationHeader-1), "its 4095 bytes stand for"},
		{"a page", make([]byte, hibernationHeader), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := newVolume(t, files{"Windows/System32/config/SYSTEM": systemHive(), "HiberFil.sys": c.data})
			for _, target := range []string{"", "Windows", "Windows/System32/config"} {
				err := openVolume(t, filepath.Join(root, target)).CheckHibernation()
				if c.want == "" {
					require.NoError(t, err, target)
					continue
				}
				hibernation := &HibernationError{}
				require.ErrorAs(t, err, &hibernation, target)
				require.ErrorContains(t, err, c.want)
				require.Contains(t, hibernation.Hint(), "shutdown /s")
				require.Equal(t, bytes.Contains([]byte(c.want), []byte("cannot be told")), hibernation.Unclear)
			}
		})
	}
}

func TestCheckHibernationWithoutTheFile(t *testing.T) {
	require.NoError(t, openVolume(t, newVolume(t, windows10())).CheckHibernation())
	require.NoError(t, openVolume(t, newVolume(t, windows10(), files{"hiberfil.sys/keep": nil})).CheckHibernation(), "a folder in its place keeps it away")
	require.NoError(t, openVolume(t, newVolume(t, windows10(), files{"Users/hiberfil.sys": hibernated("hibr")})).CheckHibernation())
}

func TestCheckHibernationOfHostileVolumes(t *testing.T) {
	other := newVolume(t, files{"hiberfil.sys": hibernated("wake")})
	root := newVolume(t, windows10())
	newLinks(t, root, links{"hiberfil.sys": filepath.Join(other, "hiberfil.sys")})
	err := openVolume(t, root).CheckHibernation()
	hibernation := &HibernationError{}
	require.ErrorAs(t, err, &hibernation, "nobody outside may speak for it")
	require.True(t, hibernation.Unclear)

	requireTwoSpellings(t, t.TempDir())
	v := openVolume(t, newVolume(t, files{"hiberfil.sys": hibernated("wake"), "HIBERFIL.SYS": hibernated("hibr")}))
	require.ErrorAs(t, v.CheckHibernation(), &hibernation)
	require.True(t, hibernation.Unclear)
}

func TestCheckHibernationOfAFile(t *testing.T) {
	root := newVolume(t, windows10(), files{"hiberfil.sys": hibernated("hibr"), "copy/SYSTEM": systemHive(), "Users/Bob/Desktop/SYSTEM": systemHive(), "Users/Bob/Desktop/NTUSER.DAT": hiveNamed("Bob")})
	for path, hibernates := range map[string]bool{
		"Windows/System32/config/SYSTEM":                         true,
		"Users/Bob/NTUSER.DAT":                                   true,
		"Users/Bob/AppData/Local/Microsoft/Windows/UsrClass.dat": true,
		"copy/SYSTEM":                            false,
		"Windows/System32/config/RegBack/SYSTEM": false,
		"nowhere/SYSTEM":                         false,
		"Users/Bob/Desktop/SYSTEM":               false,
		"Users/Bob/Desktop/NTUSER.DAT":           false,
	} {
		err := CheckHibernationOf(filepath.Join(root, filepath.FromSlash(path)))
		require.Equal(t, hibernates, err != nil, "%s: %v", path, err)
		require.Equal(t, hibernates, LiesInWindows(filepath.Join(root, filepath.FromSlash(path))), path)
	}
	t.Chdir(filepath.Join(root, "Windows", "System32", "config"))
	require.Error(t, CheckHibernationOf("SYSTEM"), "relative paths lead there too")

	require.NoError(t, os.Remove(filepath.Join(root, "hiberfil.sys")))
	require.NoError(t, CheckHibernationOf("SYSTEM"))
}
