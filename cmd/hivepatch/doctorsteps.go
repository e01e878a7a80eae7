package main

import "slices"

// steps tells what to do, in this order.
func (d *diagnosis) steps() []step {
	plan := &steps{diagnosis: d}
	plan.volume()
	switch {
	case d.failure != nil:
		plan.salvage()
	case d.half:
		plan.putBack()
	case d.Unrecovered != "":
		plan.logsLost()
	case d.Findings.Fatal > 0:
		plan.damaged()
	case d.set() == nil:
		plan.noValue()
	case d.stopped() != nil:
		plan.stopped()
	default:
		plan.sizes()
	}
	return plan.list
}

// steps collects what to do.
type steps struct {
	*diagnosis
	list []step
}

// add adds a step, with the words of a command after the program's name.
func (s *steps) add(what string, command ...string) {
	line := ""
	if len(command) > 0 {
		line = commandLine(append([]string{programName}, command...))
	}
	s.list = append(s.list, step{what, line})
}

// hiveStep adds a step with a command that takes the hive, and options behind it.
func (s *steps) hiveStep(what, command string, options ...string) {
	s.add(what, slices.Concat([]string{command}, s.words, options)...)
}

// volume is what must be done before anything is changed.
func (s *steps) volume() {
	if s.Hibernation != nil {
		s.add("start this Windows once more, shut it down for good (shutdown /s /t 0, or Shift and Shut down), and look again: it has the registry in memory and would undo every change",
			slices.Concat([]string{"doctor"}, s.target)...)
	}
	if s.VolumeDirty != "" {
		s.hiveStep("start this Windows once more and shut it down, or run chkdsk /f on the volume, and look again: what is unfinished may change the hive", "doctor")
	}
	if s.Machine != nil && s.Machine.WinPE != "" {
		s.add("this is a Windows PE, not the machine's Windows: find the volume of that (diskpart, list volume) and look there", "locate", `D:\`)
	}
	if s.ReadOnly {
		s.add("mount the volume for writing before a changed hive is put in its place: " + remount())
	}
}

// putBack is for a hive that is half written.
func (s *steps) putBack() {
	const what = "put the hive back as it was before the change that was interrupted"
	if s.inImage {
		s.add(what+", from the journal of that", "rollback", s.Target, "--journal", "FILE")
		return
	}
	s.add(what, "restore", s.HivePath)
}

// salvage offers what there is to make a hive of: its remains, and its copies.
func (s *steps) salvage() {
	for _, path := range s.Copies {
		if s.inImage {
			break // no command takes one in an image
		}
		s.add("see how old and how sound this copy of the hive is", "info", path)
	}
	s.hiveStep("see what can be saved of the hive", "salvage", "--dry-run", "--verbose")
	s.hiveStep("make a sound hive of that", "salvage", "-o", "SYSTEM.new")
}

// logsLost is for a dirty hive without logs that apply.
func (s *steps) logsLost() {
	s.hiveStep("look for the logs of the hive, SYSTEM.LOG1 and SYSTEM.LOG2, in a backup too, and give them", "recover", "--log", "SYSTEM.LOG1", "--log", "SYSTEM.LOG2", "-o", "SYSTEM.new")
	if s.Findings.Fatal > 0 {
		s.salvage()
		return
	}
	s.hiveStep("if they are lost, see how it is without what was in them only", "check", "--ignore-logs")
	s.add("and look at what a change of it would be", append(proposal{preset: s.preset(s.set())}.words(s.words), "--ignore-logs", "--dry-run")...)
}

func (s *steps) damaged() {
	s.hiveStep("see what is damaged", "check")
	s.salvage()
}

// noValue is for a hive in which Windows finds no value to start with.
func (s *steps) noValue() {
	if len(s.ControlSets) == 0 {
		s.hiveStep("this is not the SYSTEM hive of a Windows, where the sizes of the heaps are; see what it is", "info")
		return
	}
	s.hiveStep("see what is wrong with the control sets", "show")
}

// stopped is for a value with which Windows does not start.
func (s *steps) stopped() {
	s.change("mend the value", proposal{repair: true})
}

// sizes is for a hive that is in order: what may be changed is a matter of
// complaints.
func (s *steps) sizes() {
	set := s.set()
	preset := s.preset(set)
	switch {
	case preset != "":
		s.change("if services are the complaint, change the size of their heaps", proposal{preset: preset})
	case s.isLegacy(set):
		s.add("larger heaps leave room for fewer of them here: leave the numbers as they are, or choose by the list of presets", "help", "patch")
	default:
		s.add("nothing in this hive explains a complaint: leave the numbers as they are")
	}
}

// change adds two steps: a look at a change, and the change. What would be
// refused is mended with it, or told where that is not possible.
func (s *steps) change(what string, p proposal) {
	err := s.tried(p)
	if err != nil && !p.repair {
		p.repair = true
		if repaired := s.tried(p); repaired == nil {
			what, err = what+", and mend the value", nil
		}
	}
	if err != nil {
		s.hiveStep("the value is not one to change without a decision of yours: "+err.Error()+"; see what it is and what is wrong with it", "show")
		return
	}
	s.add(what+": first look at what would change", append(p.words(s.words), "--dry-run")...)
	if s.Hibernation == nil && !s.ReadOnly && s.VolumeDirty == "" {
		s.add(s.doing(), append(p.words(s.words), s.newHive()...)...)
	}
}
