package hive_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// TestMessages: messages name keys and values as the commands take them, with
// single backslashes and escapes that can be typed.
func TestMessages(t *testing.T) {
	leaf := hivetest.Key{Name: "a\nb", Values: []hivetest.Value{{Name: `c:\d`, Type: 3}, {Type: 3}}}
	h := open(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Subkeys: []hivetest.Key{
		{Name: "Top", Subkeys: []hivetest.Key{leaf, {Name: "fixed", Flags: hivetest.KeySymbolicLink}}},
	}}}.Build().Data)
	top, link := mustGet(h.Key("Top")), mustGet(h.Key(`Top\fixed`))
	key := mustGet(h.Key("Top\\a\nb"))
	for want, err := range map[string]error{
		`key Top\None: not found`:                                                 second(h.Key(`Top\None\Deeper`)),
		`key Top\x5cx1f: not found`:                                               second(top.Subkey("x1f")),
		`value @ of key Top: not found`:                                           second(top.Value("")),
		`value \x40 of key Top\a\x0ab: not found`:                                 second(key.Value("@")),
		`value e:\f of key Top\a\x0ab: not found`:                                 second(key.Value(`e:\f`)),
		`key Top\FIXED: exists already`:                                           second(top.CreateSubkey("FIXED", now)),
		`value C:\D of key Top\a\x0ab: exists already`:                            mustGet(key.Value("")).Rename(`C:\D`, now),
		`not a valid name: "a\b": a backslash separates keys`:                     second(top.CreateSubkey(`a\b`, now)),
		`key Top must not be changed: it cannot be moved to a place below itself`: top.Move(key, "x", now),
		`key Top\fixed must not be changed: it is a symbolic link, whose one value is SymbolicLinkValue of type REG_LINK`: second(link.SetValue("v", hive.Binary, nil, now)),
	} {
		require.EqualError(t, err, want)
	}
}

func second[T any](_ T, err error) error { return err }
