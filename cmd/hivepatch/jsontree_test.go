package main

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
)

func TestWTFString(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", `""`},
		{"quotes", `a"b\c`, `"a\"b\\c"`},
		{"control characters", "\x00\t\n\r\x1f\x7f", `"\u0000\t\n\r\u001f\u007f"`},
		{"letters", "Служба😀<>&", `"Служба😀<>&"`},
		{"direction override", "\u202E\u2028", `"\u202e\u2028"`},
		{"surrogates", "\xED\xA0\x80x\xED\xBF\xBF", `"\ud800x\udfff"`},
		{"stray byte", "\xFF", `"\ufffd"`},
		{"replacement character itself", "\uFFFD", "\"\uFFFD\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := wtfString(c.text).MarshalJSON()
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
			require.True(t, json.Valid(got))
		})
	}
}

func FuzzJSONString(f *testing.F) {
	f.Add("plain\x00\xED\xA0\x80\xFF\u2028\"")
	f.Fuzz(func(t *testing.T, text string) {
		var own, other string
		require.NoError(t, json.Unmarshal(appendJSONString(nil, text), &own))
		encoded, err := json.Marshal(text)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(encoded, &other))
		// encoding/json reads three bytes of a surrogate as three errors.
		if own != other {
			require.Contains(t, text, "\xED")
		}
	})
}

func TestValueJSON(t *testing.T) {
	for _, c := range []struct {
		name  string
		value valueJSON
		want  string
	}{
		{"text", valueJSON{Name: "a", Type: hive.SZ, Data: []byte("A\x00\x00\x00")},
			`{"name":"a","type":"sz","size":4,"value":"A","data":"41000000"}`},
		{"list", valueJSON{Type: hive.MultiSZ, Data: []byte("A\x00\x00\x00B\x00\x00\x00\x00\x00")},
			`{"name":"","type":"multi_sz","size":10,"value":["A","B"],"data":"41000000420000000000"}`},
		{"empty list", valueJSON{Type: hive.MultiSZ}, `{"name":"","type":"multi_sz","size":0,"value":[],"data":""}`},
		{"number", valueJSON{Type: hive.QWord, Data: []byte{1, 0, 0, 0, 0, 0, 0, 0x80}},
			`{"name":"","type":"qword","size":8,"value":9223372036854775809,"data":"0100000000000080"}`},
		{"number of 3 bytes", valueJSON{Type: hive.DWord, Data: []byte{1, 0, 0}},
			`{"name":"","type":"dword","size":3,"value":null,"data":"010000"}`},
		{"bytes", valueJSON{Type: 0x10012, Data: []byte{1}}, `{"name":"","type":"0x10012","size":1,"value":null,"data":"01"}`},
		{"unreadable", valueJSON{Name: "x", Type: hive.SZ, Err: errors.New("no \"cell\"")},
			`{"name":"x","type":"sz","size":null,"value":null,"data":null,"error":"no \"cell\""}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := json.Marshal(c.value)
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
		})
	}
}

func TestKeyJSON(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 1234500, time.UTC)
	key := keyJSON{Path: `A\b`, Name: "b", LastWrite: at, Flags: hive.FlagLink, Class: "c", LeaveValues: true}
	require.Equal(t, `{"path":"A\\b","name":"b","last_write":"2026-01-31T12:00:00.0012345Z","flags":16,"class":"c"}`,
		string(key.append(nil)))
	key = keyJSON{LastWrite: at, Security: []byte{1, 2}, SDDL: "O:BA", Values: []valueJSON{{}, {}}, Err: errors.New("e")}
	value := `{"name":"","type":"none","size":0,"value":null,"data":""}`
	got, err := json.Marshal(key)
	require.NoError(t, err)
	require.Equal(t, `{"path":"","name":"","last_write":"2026-01-31T12:00:00.0012345Z","flags":0,"class":"",`+
		`"security":"0102","sddl":"O:BA","error":"e","values":[`+value+","+value+`]}`, string(got))
	key.SDDL = ""
	require.Contains(t, string(key.append(nil)), `"sddl":null`)
}
