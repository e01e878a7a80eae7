package salvage

import (
	"errors"
	"fmt"

	"hivepatch/hive"
	"hivepatch/hive/internal/regf"
)

// open parses what is left of the hive in data. It mends the base block in place
// when nothing can be read without that.
func (s *salvage) open(data []byte) error {
	s.held = regf.Offset(min(uint64(max(len(data), regf.BaseBlockSize)-regf.BaseBlockSize), regf.MaxBinsSize))
	if half := (len(data) - regf.BaseBlockSize) % regf.PageSize; len(data) > regf.BaseBlockSize && half > 0 {
		data = append(data, make([]byte, regf.PageSize-half)...) // a page that was cut off
	}
	image, declared, err := regf.ParseLoose(data)
	if err != nil {
		if !regf.HasBins(data) {
			return fmt.Errorf("%w, and nothing of its bins can be found", err)
		}
		s.report.add(Finding{Fate: Guessed, What: "base block", Reason: "it is wrecked and was made anew: " + reason(err)})
		if minor, guessed := regf.MendBaseBlock(data); guessed {
			s.report.add(Finding{Fate: Guessed, What: "base block", Reason: fmt.Sprintf("the version is taken for 1.%d, by the kind of most lists", minor)})
		}
		if image, declared, err = regf.ParseLoose(data); err != nil {
			return err
		}
	}
	switch image.Minor() {
	case 0, 1:
		return fmt.Errorf("%w: 1.%d keeps cells in the layout of Windows NT 3.1", hive.ErrReadOnly, image.Minor())
	case 6:
		return fmt.Errorf("%w: 1.6 is a differencing hive, a patch over another one", hive.ErrReadOnly)
	}
	image.Damage(func(damage *regf.FormatError) {
		s.report.add(Finding{Fate: Guessed, What: "bins", Offset: damage.Off, Reason: damage.Msg})
	})
	s.image, s.declared = image, regf.Offset(declared)
	return nil
}

// reason is what an error says without the place, which a Finding has.
func reason(err error) string {
	if damage, ok := errors.AsType[*regf.FormatError](err); ok {
		return damage.Msg
	}
	return err.Error()
}
