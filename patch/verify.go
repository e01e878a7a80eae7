package patch

import "fmt"

// gate lets an objection pass under force and keeps a note of it.
type gate struct {
	force      bool
	overridden []string
}

func (g *gate) object(format string, args ...any) error {
	reason := fmt.Sprintf(format, args...)
	if !g.force {
		return &RefusedError{Reason: reason, Override: OverrideForce}
	}
	g.overridden = append(g.overridden, reason)
	return nil
}

// checkSizes objects to what is asked for, before anything is changed.
func (g *gate) checkSizes(section Section, sizes Sizes) error {
	if sizes.Shared.differsFrom(section.A) {
		if err := g.object("the first number is the section that csrss shares with every process, "+
			"not a desktop heap: %q does not become %d", section.A.Text, sizes.Shared.KB); err != nil {
			return err
		}
	}
	for _, limit := range []struct {
		size    Size
		minimum uint32
		which   string
	}{
		{sizes.Interactive, minimumInteractive, "interactive"},
		{sizes.Noninteractive, minimumNoninteractive, "non-interactive"},
	} {
		if limit.size.Asked && limit.size.KB < limit.minimum {
			if err := g.object("%d KB is below the minimum of the %s heap: Windows takes %d",
				limit.size.KB, limit.which, limit.minimum); err != nil {
				return err
			}
		}
	}
	return nil
}

// verify reads the result back and runs both models on it. section is the
// token before the numbers were replaced.
func (g *gate) verify(section Section, result Value, sizes Sizes, findings []Finding) error {
	after := result.Sections()[0]
	if err := checkReadBack(section, after, sizes); err != nil {
		return err
	}
	if length := after.numbersEnd() - after.Start; length > tokenWindow {
		if err := g.object("the numbers of %q end at character %d, and Windows reads only %d",
			after, length, tokenWindow); err != nil {
			return err
		}
	}
	for _, finding := range findings {
		if finding.Severity == SeverityError {
			if err := g.object("%s (%s)", finding.Message, finding.Source); err != nil {
				return err
			}
		}
	}
	heaps := result.Win32k()
	for _, heap := range []struct {
		asked Size
		got   uint32
		which string
	}{
		{sizes.Interactive, heaps.InteractiveKB, "interactive"},
		{sizes.Noninteractive, heaps.NoninteractiveKB, "non-interactive"},
	} {
		if heap.asked.Asked && heap.asked.KB != heap.got {
			if err := g.object("Windows would take %d KB for the %s heap instead of %d",
				heap.got, heap.which, heap.asked.KB); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkReadBack compares the numbers in the token with those asked for and
// with those that were to stay. A 0 written in front of other text can become
// the prefix of a number, as before "x300".
func checkReadBack(before, after Section, sizes Sizes) error {
	for _, number := range []struct {
		asked         Size
		before, after Field
	}{
		{sizes.Shared, before.A, after.A},
		{sizes.Interactive, before.B, after.B},
		{sizes.Noninteractive, before.C, after.C},
	} {
		want := number.before.Number
		if number.asked.Asked {
			want = number.asked.KB
		}
		rebased := number.after.Text != number.before.Text && number.after.read.base != 10
		if number.after.Number != want || rebased {
			return &RefusedError{Reason: fmt.Sprintf("%q would read as %d in base %d instead of %d",
				number.after.Text, number.after.Number, number.after.read.base, want)}
		}
	}
	return nil
}
