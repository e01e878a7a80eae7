package hive

// Cells returns the absolute file offsets of the cells by which a look-up goes
// through the key: its record and its lists of subkeys. Offsets come as they
// are stored, also where they lead nowhere.
func (k *Key) Cells() []int64 {
	cells := []int64{k.Offset()}
	node, err := k.node()
	if err != nil || node.SubkeyCount() == 0 {
		return cells
	}
	cells = append(cells, node.SubkeyList().File())
	for leaf, err := range k.hive.image.Leaves(node.SubkeyList()) {
		if err == nil {
			cells = append(cells, leaf.Offset.File())
		}
	}
	return cells
}

// ValueCells returns the absolute file offsets of the cells that hold the
// key's values: the list, the records and their data, up to the first that is
// unsound.
func (k *Key) ValueCells() []int64 {
	node, err := k.node()
	if err != nil {
		return nil
	}
	var cells []int64
	for cell := range k.hive.image.ValueCells(node) {
		cells = append(cells, cell.File())
	}
	return cells
}
