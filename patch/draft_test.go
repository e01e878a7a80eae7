package patch

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivetest"
)

// As a part of an edit that does more, the value becomes what Apply makes of it.
func TestEditDraft(t *testing.T) {
	data := hivetest.NT4().Build().Data
	request := Request{ControlSet: SelectAll, Time: editTime, Edit: EditRequest{Sizes: Sizes{Noninteractive: KB(512)}}}
	alone := load(t, data)
	_, err := Apply(alone, request)
	require.NoError(t, err)

	run := func(more func(d *edit.Draft) error) ([]SetEdit, *edit.Outcome, *hive.Hive) {
		file := load(t, data)
		var edits []SetEdit
		outcome, err := edit.Apply(file, edit.Request{Time: editTime}, func(d *edit.Draft) error {
			sets, err := ReadControlSets(d.Hive)
			require.NoError(t, err)
			chosen, err := sets.Choose(SelectAll)
			require.NoError(t, err)
			planned, err := Preview(d.Hive, chosen, request.Edit)
			require.NoError(t, err)
			edits, err = EditDraft(d, chosen, request)
			require.NoError(t, err)
			require.Equal(t, planned, edits)
			return more(d)
		})
		require.NoError(t, err)
		return edits, outcome, file.Hive
	}
	edits, outcome, h := run(func(*edit.Draft) error { return nil })
	require.True(t, bytes.Equal(alone.Hive.Bytes(), h.Bytes()))
	require.Equal(t, []string{"check", "read-back", "regparser"}, outcome.VerifiedBy)
	for i, name := range []string{"ControlSet001", "ControlSet002"} {
		require.Equal(t, SetChange{name, "SharedSection=1024,3072", "SharedSection=1024,3072,512"}, edits[i].Tokens())
	}

	_, outcome, h = run(func(d *edit.Draft) error {
		_, err := d.Hive.CreateKey(`ControlSet001\Control\Session Manager\SubSystems\New`, d.Time)
		return err
	})
	require.True(t, outcome.Changed)
	_, err = h.Key(`ControlSet001\Control\Session Manager\SubSystems\New`)
	require.NoError(t, err)
	key, err := h.Key(`ControlSet002\` + ValueKey)
	require.NoError(t, err)
	value, err := key.Value(ValueName)
	require.NoError(t, err)
	text, err := value.Data()
	require.NoError(t, err)
	require.Contains(t, hive.DecodeText(text), "SharedSection=1024,3072,512 ")
}

// Presets that add to a number are no states.
func TestPresetIsState(t *testing.T) {
	for _, preset := range Presets() {
		if preset.Name == "orchestrator" {
			require.False(t, preset.IsState(), "without its argument it names nothing")
			preset, _ = FindPreset("orchestrator:120")
		}
		require.Equal(t, !strings.Contains(preset.Result, "each time"), preset.IsState(), preset.Name)
	}
	require.True(t, Preset{}.IsState())
}
