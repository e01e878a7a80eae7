package diskimage

import (
	"cmp"
	"fmt"
	"slices"
)

// mostRuns is how many runs an attribute may have. The most torn hive has some
// thousands.
const mostRuns = 1 << 20

// run is a number of clusters of an attribute that lie beside each other.
type run struct {
	vcn   int64 // in the attribute
	lcn   int64 // on the volume, or hole
	count int64
}

// hole is the place of clusters that are nowhere and read as zeros.
const hole = -1

// appendRuns decodes the runs of a part of an attribute: for each a byte with
// two lengths, the count of clusters, and how far its first one is from that of
// the run before. It returns ErrRuns for runs that leave the volume or are not
// as many clusters as the part has.
func (g *geometry) appendRuns(runs []run, a *attribute) ([]run, error) {
	b, vcn, lcn := a.runs, a.lowest, int64(0)
	for len(b) > 0 && b[0] != 0 {
		countSize, offSize := int(b[0]&15), int(b[0]>>4)
		if countSize == 0 || countSize > 8 || offSize > 8 || 1+countSize+offSize > len(b) {
			return nil, fmt.Errorf("%w: run with the header %#02x", ErrRuns, b[0])
		}
		r := run{vcn: vcn, lcn: hole, count: signed(b[1 : 1+countSize])}
		if r.count <= 0 || r.count > a.next-vcn {
			return nil, fmt.Errorf("%w: a run of %d clusters where %d are left", ErrRuns, r.count, a.next-vcn)
		}
		if offSize > 0 {
			lcn += signed(b[1+countSize : 1+countSize+offSize])
			if lcn < 0 || lcn >= g.clusters || r.count > g.clusters-lcn {
				return nil, fmt.Errorf("%w: %d clusters from %d, the volume has %d", ErrRuns, r.count, lcn, g.clusters)
			}
			r.lcn = lcn
		}
		if len(runs) == mostRuns {
			return nil, fmt.Errorf("%w: there are more than %d", ErrRuns, mostRuns)
		}
		runs = append(runs, r)
		vcn += r.count
		b = b[1+countSize+offSize:]
	}
	if vcn != a.next {
		return nil, fmt.Errorf("%w: they end at cluster %d, expected %d", ErrRuns, vcn, a.next)
	}
	return runs, nil
}

// signed reads a little-endian number of 1 to 8 bytes in two's complement.
func signed(b []byte) int64 {
	n := int64(int8(b[len(b)-1]))
	for i := len(b) - 2; i >= 0; i-- {
		n = n<<8 | int64(b[i])
	}
	return n
}

// checkOverlap returns ErrRuns where two runs share clusters.
func checkOverlap(runs []run) error {
	placed := slices.DeleteFunc(slices.Clone(runs), func(r run) bool { return r.lcn == hole })
	slices.SortFunc(placed, func(a, b run) int { return cmp.Compare(a.lcn, b.lcn) })
	for i := 1; i < len(placed); i++ {
		if before := placed[i-1]; before.lcn+before.count > placed[i].lcn {
			return fmt.Errorf("%w: clusters %d and %d of it are both cluster %d of the volume", ErrRuns,
				before.vcn+placed[i].lcn-before.lcn, placed[i].vcn, placed[i].lcn)
		}
	}
	return nil
}
