package patch_test

import (
	"errors"
	"fmt"

	"hivepatch/patch"
)

const example = `%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows ` +
	`SharedSection=1024,3072 Windows=On SubSystemType=Windows ServerDll=basesrv,1 ` +
	`ServerDll=winsrv:UserServerDllInitialization,3 ProfileControl=Off MaxRequestThreads=16`

func ExampleValue_Edit() {
	value := patch.NewValue(example)
	edited, err := value.Edit(patch.EditRequest{Sizes: patch.Sizes{Noninteractive: patch.KB(512)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(edited.Value.Sections()[0])

	_, err = value.Edit(patch.EditRequest{Sizes: patch.Sizes{Noninteractive: patch.KB(64)}})
	var refused *patch.RefusedError
	if errors.As(err, &refused) {
		fmt.Println(refused.Reason)
		fmt.Println(refused.Hint())
	}
	// Output:
	// SharedSection=1024,3072,512
	// 64 KB is below the minimum of the non-interactive heap: Windows takes 128
	// --force goes on all the same
}

func ExampleValue_Win32k() {
	heaps := patch.NewValue(example).Win32k()
	fmt.Println(heaps.InteractiveKB, heaps.NoninteractiveKB)
	fmt.Println(heaps.Budget(patch.System{Bits: 32}).Desktops(0))
	// Output:
	// 3072 3072
	// 14
}

func ExampleValue_Lint() {
	value := patch.NewValue(`%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows SharedSection=1024, 20480,768`)
	for _, finding := range value.Lint(patch.System{Build: 19045}) {
		fmt.Println(finding.Severity, finding.Code)
	}
	// Output:
	// error section-blank
	// error unknown-last-token
}

func ExamplePreset() {
	preset, err := patch.FindPreset("orchestrator:120")
	if err != nil {
		fmt.Println(err)
		return
	}
	edited, err := patch.NewValue(example).Edit(patch.EditRequest{Preset: preset})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(edited.Value.Sections()[0], edited.Changed)
	// Output:
	// SharedSection=1024,3072,2048 true
}
