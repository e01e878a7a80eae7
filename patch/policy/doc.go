// Package policy brings hives into a state that a file describes, and tells how
// they differ from it.
//
//	p, err := policy.Parse(text)
//	section := p.Section(locate.System, "")
//	outcome, err := edit.Apply(file, edit.Request{Time: now}, func(d *edit.Draft) error {
//		plan, err = section.Apply(d, policy.Options{})
//		return err
//	})
//
// A policy is a YAML file that lists wanted states for each hive: values that
// are to be set, values and keys that are to be absent, keys that are to be
// there, and the desktop heap sizes of a SYSTEM hive. To apply it a second time
// changes nothing.
//
//	version: 1
//	hives:
//	  SYSTEM:
//	    desktop_heap: {noninteractive: 4096}
//	    values:
//	      - {key: CurrentControlSet\Services\Disk, name: Start, type: dword, data: 0}
//	  SOFTWARE:
//	    absent_keys: [Vendor\Leftover]
//	users:
//	  "*":
//	    NTUSER.DAT:
//	      keys: [Software\Vendor]
//
// CurrentControlSet at the start of a path stands for the control sets that
// control_set selects, for one wish or for all of a SYSTEM hive: active, which is
// the default, current, default, lastknowngood, all, or a number.
//
// Nothing in a policy is guessed: unknown fields, fields that come twice, values
// of another type than wanted, and wishes that exclude each other are errors with
// line and column. [Schema] describes the file for editors.
package policy
