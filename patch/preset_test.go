package patch

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPresets(t *testing.T) {
	for _, test := range []struct {
		spec, token, want string
	}{
		{"stock-nt35", "SharedSection=1024,3072", "SharedSection=1024,512"},
		{"stock-nt4", "SharedSection=1024,12288", "SharedSection=1024,3072"},
		{"stock-nt4", "SharedSection=1024,12288,512", "SharedSection=1024,3072,512"},
		{"stock-x86-legacy", "SharedSection=1024,3072", "SharedSection=1024,3072,512"},
		{"stock-x86", "SharedSection=1024,3072", "SharedSection=1024,12288,512"},
		{"stock-x64", "SharedSection=2048,4096,2048", "SharedSection=2048,20480,768"},
		{"kb142676", "SharedSection=1024,3072", "SharedSection=1024,3072,512"},
		{"kb142676", "SharedSection=1024,3072,", "SharedSection=1024,3072,512"},
		{"kb142676", "SharedSection=1024,3072,64", "SharedSection=1024,3072,64"},
		{"kb142676", "SharedSection=1024,3072,768", "SharedSection=1024,3072,768"},
		{"kb142676", "SharedSection=1024,3072,H680", "SharedSection=1024,3072,H680"},
		{"kb126962", "SharedSection=1024,512", "SharedSection=1024,768"},
		{"kb126962:256", "SharedSection=1024,512,128", "SharedSection=1024,768,128"},
		{"kb126962:512", "SharedSection=1024,512", "SharedSection=1024,1024"},
		{"more-services", "SharedSection=1024,3072,512", "SharedSection=1024,3072,256"},
		{"sql-replication", "SharedSection=1024,3072,512", "SharedSection=1024,3072,768"},
		{"sql-replication", "SharedSection=1024,3072,0x200", "SharedSection=1024,3072,768"},
		{"orchestrator:1", stockToken, "SharedSection=1024,20480,1024"},
		{"orchestrator:102", stockToken, "SharedSection=1024,20480,1024"},
		{"orchestrator:103", stockToken, "SharedSection=1024,20480,2048"},
		{"orchestrator:120", stockToken, "SharedSection=1024,20480,2048"},
		{"orchestrator:512", stockToken, "SharedSection=1024,20480,5120"},
		{"services-2048", stockToken, "SharedSection=1024,20480,2048"},
		{"services-4096", stockToken, "SharedSection=1024,20480,4096"},
		{"services-max", stockToken, "SharedSection=1024,20480,20480"},
		{"many-windows", stockToken, "SharedSection=1024,40960,768"},
		{"many-windows:40960", stockToken, "SharedSection=1024,40960,768"},
		{"many-windows:65536", stockToken, "SharedSection=1024,65536,768"},
	} {
		t.Run(test.spec+" "+test.token, func(t *testing.T) {
			preset, err := FindPreset(test.spec)
			require.NoError(t, err)
			operation{request: EditRequest{Preset: preset}, want: line(test.want)}.run(t, NewValue(line(test.token)))
		})
	}
}

// A preset works on the numbers as they are after the repair, not on what can
// be seen of them before.
func TestPresetAfterRepair(t *testing.T) {
	for token, want := range map[string]string{
		"SharedSection=1024, 20480,768": stockToken,
		"SharedSection=1024, 20480":     "SharedSection=1024,20480,512",
		"SharedSection=1024,20480, 768": stockToken,
	} {
		t.Run(token, func(t *testing.T) {
			preset, err := FindPreset(DefaultPreset)
			require.NoError(t, err)
			operation{request: EditRequest{Preset: preset}, refused: "blank", override: OverrideRepair}.
				run(t, NewValue(line(token)))
			operation{request: EditRequest{Preset: preset, Repair: true}, want: line(want)}.
				run(t, NewValue(line(token)))
		})
	}
}

func TestPresetRefusals(t *testing.T) {
	for _, test := range []struct{ spec, token, refused, override string }{
		{"sql-replication", "SharedSection=1024,3072", "no number that 256 could be added to", ""},
		{"sql-replication", "SharedSection=1024,3072,4294967040", "does not fit in 32 bits", ""},
		{"kb126962", "SharedSection=1024,,512", "no number that 256", ""},
		{"kb126962", "SharedSection=1024,-256", "does not fit", ""},
		{"orchestrator:4294967295", stockToken, "does not fit", ""},
		{"orchestrator:419328", stockToken, "wrap", OverrideForce},
		{"kb142676", stockToken + " " + stockToken, "2 SharedSection tokens", ""},
	} {
		t.Run(test.spec+" "+test.token, func(t *testing.T) {
			preset, err := FindPreset(test.spec)
			require.NoError(t, err)
			operation{request: EditRequest{Preset: preset}, refused: test.refused, override: test.override}.
				run(t, NewValue(line(test.token)))
		})
	}
}

func TestFindPreset(t *testing.T) {
	for spec, want := range map[string]string{
		"":                          `no preset ""`,
		"stock":                     "want one of stock-nt35, ",
		"kb142676:512":              "takes no argument",
		"stock-x64:":                "takes no argument",
		"kb126962:300":              `argument "300", want 256 or 512`,
		"many-windows:1":            `argument "1"`,
		"orchestrator":              "needs an argument: orchestrator:N",
		"orchestrator:":             `argument ""`,
		"orchestrator:0":            `argument "0"`,
		"orchestrator:-1":           `argument "-1"`,
		"orchestrator:x":            `argument "x"`,
		"orchestrator:1:2":          `argument "1:2"`,
		"orchestrator:999999999999": "argument",
	} {
		t.Run(spec, func(t *testing.T) {
			_, err := FindPreset(spec)
			var usage *UsageError
			require.ErrorAs(t, err, &usage)
			require.ErrorContains(t, err, want)
		})
	}
}

// No preset touches the first number, and each says what it is for.
func TestPresetTexts(t *testing.T) {
	section := NewValue(line(stockToken)).Sections()[0]
	for _, preset := range Presets() {
		t.Run(preset.Name, func(t *testing.T) {
			require.NotEmpty(t, preset.Description)
			require.NotEmpty(t, preset.Source)
			require.NotEmpty(t, preset.Result)
			spec := preset.Name
			if spec == "orchestrator" {
				_, err := preset.Sizes(section)
				require.Error(t, err)
				spec += ":120"
			}
			found, err := FindPreset(spec)
			require.NoError(t, err)
			got, err := found.Sizes(section)
			require.NoError(t, err)
			require.False(t, got.Shared.Asked)
			if preset.sizes != nil && preset.Argument == "" && !got.Noninteractive.Asked && got.Interactive.Asked {
				require.Equal(t, fmt.Sprintf("B = %d", got.Interactive.KB), preset.Result)
			}
		})
	}
	got, err := Preset{}.Sizes(section)
	require.NoError(t, err)
	require.Equal(t, Sizes{}, got)
}
