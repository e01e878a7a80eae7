package policy_test

import (
	"bytes"
	"fmt"
	"time"

	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/locate"
	"hivepatch/patch/policy"
)

func Example() {
	p, err := policy.Parse([]byte(`
version: 1
hives:
  SYSTEM:
    desktop_heap: {noninteractive: 4096}
    values:
      - {key: CurrentControlSet\Control\CrashControl, name: AutoReboot, type: dword, data: 0}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	section := p.Section(locate.System, "")
	hive := bytes.NewReader(hivetest.NT4().Build().Data) // or a file
	file, err := hivefile.LoadStream(hive, hivefile.LoadOptions{Tolerant: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	var plan *policy.Plan
	outcome, err := edit.Apply(file, edit.Request{Time: time.Unix(1e9, 0)}, func(d *edit.Draft) error {
		plan, err = section.Apply(d, policy.Options{})
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range plan.Differences {
		fmt.Println(d.What, d.Key, d.Value)
	}
	fmt.Println(outcome.Changed, outcome.VerifiedBy)

	plan, err = section.Plan(file.Hive, policy.Options{})
	fmt.Println(len(plan.Differences), err)
	// Output:
	// desktop-heap-differs ControlSet001\Control\Session Manager\SubSystems Windows
	// value-differs ControlSet001\Control\CrashControl AutoReboot
	// true [check read-back regparser]
	// 0 <nil>
}

// A mistake is told with its place.
func ExampleParse() {
	_, err := policy.Parse([]byte("version: 1\nhives:\n  SYSTEM:\n    kyes: [Setup]\n"))
	fmt.Println(err)
	// Output:
	// line 4, column 5: SYSTEM: unknown field "kyes", want keys, values, absent_keys, absent_values, control_set, desktop_heap
}
