package check

import (
	"bytes"
	"slices"
	"strings"

	"hivepatch/hive/internal/regf"
)

// longestNode is the size of a key's record with the longest name, in bytes.
const longestNode = 0x45C

// maxDepth is the number of levels of keys that Windows allows.
const maxDepth = 512

// longestPath is the number of bytes of names in the path of a finding. Names
// of 64 KB, which a hostile hive may have on every level, are no help.
const longestPath = 4096

// frame is a key whose subkeys are being checked.
type frame struct {
	node regf.KeyNode

	leaves   regf.SubkeyList // the index root, when there is one
	nextLeaf int
	leaf     regf.SubkeyList
	nextKey  int

	previous regf.Name // of the subkey before
	found    uint32    // entries in all leaves so far
	unread   bool      // a list could not be read, so that found is too low
	maxName  uint32    // longest subkey name, in bytes of UTF-16
	maxClass uint32
}

// keys walks the tree of keys with a stack of its own. Depth is bounded by
// maxDepth, the number of steps by the number of cells, since each is claimed
// once.
func (c *checker) keys() {
	root, ok := c.rootKey()
	if !ok {
		return
	}
	c.securityRing(root)
	c.key = root
	c.checkKey()
	for len(c.path) > 0 {
		top := &c.path[len(c.path)-1]
		c.key = regf.KeyNode{}
		if !c.nextSubkey(top) {
			c.leave(top)
			continue
		}
		if c.key.Parent() != top.node.Offset {
			c.report(codeParent, c.key.Offset, "parent is %#x, want %#x", c.key.Parent().File(), top.node.Offset.File())
		}
		if len(c.path) == maxDepth {
			c.report(codeDepth, c.key.Offset, "key lies deeper than %d levels", maxDepth)
			continue
		}
		c.checkKey()
	}
}

func (c *checker) rootKey() (regf.KeyNode, bool) {
	off := c.image.BaseBlock().RootCell()
	if !c.starts.Has(uint32(off/8)) || off%8 != 0 {
		c.reportAt(Fatal, codeRootCell, 0x24, "root cell should be at %#x, where no allocated cell starts", off.File())
		return regf.KeyNode{}, false
	}
	node, err := c.image.KeyNode(off)
	if err != nil {
		damage, _ := asFormatError(err)
		c.reportAt(Fatal, codeRootCell, damage.Off, "root cell: %s", damage.Msg)
		return regf.KeyNode{}, false
	}
	for bin := range c.image.Bins {
		if off >= bin.End() || bin.Start != 0 {
			c.report(codeRootCell, off, "root cell is not in the first bin")
		}
		break
	}
	c.claimed.Add(uint32(off / 8))
	return node, true
}

// checkKey checks what the key itself holds and, when it has subkeys, makes it
// the top of the stack.
func (c *checker) checkKey() {
	c.keyName()
	c.keyFlags()
	c.class()
	c.keySecurity()
	c.values()
	c.openList()
}

// leave checks what the subkeys add up to and takes the key off the stack.
func (c *checker) leave(f *frame) {
	c.key = f.node
	c.path = c.path[:len(c.path)-1]
	if f.found != f.node.SubkeyCount() && !f.unread {
		c.report(codeSubkeyCount, f.node.Offset, "key says it has %d subkeys, its list has %d", f.node.SubkeyCount(), f.found)
	}
	if f.maxName > f.node.MaxNameLen() {
		c.report(codeMaximum, f.node.Offset, "longest subkey name is %d bytes, the key says %d", f.maxName, f.node.MaxNameLen())
	}
	if f.maxClass > f.node.MaxClassLen() {
		c.report(codeMaximum, f.node.Offset, "longest class name of a subkey is %d bytes, the key says %d", f.maxClass, f.node.MaxClassLen())
	}
}

func (c *checker) keyName() {
	node := &c.key
	name := node.Name()
	switch {
	case len(name.Raw) == 0:
		c.report(regf.CodeKeyNode, node.Offset, "key has no name")
	case !name.Latin1 && len(name.Raw)%2 != 0:
		c.report(codeKeyNameOdd, node.Offset, "UTF-16 name has %d bytes, want an even number", len(name.Raw))
	case !name.Latin1 && c.minor > 1 && fitsLatin1(name):
		c.report(codeKeyNameForm, node.Offset, "name is stored as UTF-16 although it fits Latin-1")
	}
	if size := c.dataSize(node.Offset); size > longestNode {
		c.report(codeKeyNameLength, node.Offset, "record has %d bytes, want at most %d", size, longestNode)
	}
	if name.Len() > regf.MaxKeyName {
		c.report(codeKeyNameLength, node.Offset, "name has %d characters, want at most %d", name.Len(), regf.MaxKeyName)
	}
	if len(c.path) > 0 && hasBackslash(name) {
		c.report(codeKeyNameSlash, node.Offset, "name holds a backslash: no path leads to the key")
	}
}

func fitsLatin1(name regf.Name) bool {
	for i := range name.Len() {
		if name.Unit(i) > 0xFF {
			return false
		}
	}
	return true
}

func hasBackslash(name regf.Name) bool {
	if name.Latin1 {
		return bytes.IndexByte(name.Raw, '\\') >= 0
	}
	for i := range name.Len() {
		if name.Unit(i) == '\\' {
			return true
		}
	}
	return false
}

func (c *checker) keyFlags() {
	node := &c.key
	flags := node.Flags()
	if flags&(regf.KeyVolatile|regf.KeyHiveExit) != 0 {
		c.report(codeKeyFlags, node.Offset, "flags are %#x: a key on disk is neither volatile nor a mount point", flags)
	}
	if len(c.path) > 0 && flags&regf.KeyHiveEntry != 0 {
		c.report(codeKeyFlags, node.Offset, "flags are %#x: only the root is the entry of a hive", flags)
	}
	if node.VolatileSubkeyCount() != 0 {
		if c.volatileKeys == 0 {
			c.firstVolatile = node.Offset
		}
		c.volatileKeys++
	}
	if c.minor == 6 {
		c.layer()
	}
}

// Semantics of a layered key, in the two low bits of its byte.
const (
	layerTombstone     = 1
	layerSupersedeTree = 3
	layerBits          = 0x83 // semantics, and bit 7: the class is inherited
)

func (c *checker) layer() {
	node := &c.key
	layer := node.Layer()
	if layer&^layerBits != 0 {
		c.report(codeLayer, node.Offset, "semantics byte is %#02x, only bits %#02x are known", layer, layerBits)
	}
	if layer&3 == layerTombstone && (node.SubkeyCount() > 0 || node.ValueCount() > 0 || node.ClassLength() > 0) {
		c.report(codeLayer, node.Offset, "tombstone key has subkeys, values or a class name")
	}
	if len(c.path) == 0 {
		return
	}
	above := c.path[len(c.path)-1].node.Layer() & 3
	if own := layer & 3; above == layerSupersedeTree && own != layerSupersedeTree && own != layerTombstone {
		c.report(codeLayer, node.Offset, "semantics are %d below a key that supersedes its whole tree", own)
	}
}

func (c *checker) class() {
	node := &c.key
	length := node.ClassLength()
	if length == 0 {
		if off := node.Class(); off != regf.NIL && off != 0 {
			c.report(regf.CodeClass, node.Offset, "key has no class name, but refers to a cell at %#x", off.File())
		}
		return
	}
	if length%2 != 0 {
		c.report(regf.CodeClass, node.Offset, "class name has %d bytes, want an even number", length)
	}
	switch off := node.Class(); {
	case c.isClaimed(off):
		c.refuseClaim(off, node.Offset, "the class name")
		return
	case !c.take(off):
		c.report(regf.CodeClass, node.Offset, "the class name %s", c.whyNoCell(node.Class()))
		return
	}
	if _, err := c.image.ClassName(*node); err != nil {
		c.reportError(err)
	}
}

// keyPath is the path of the key being checked.
func (c *checker) keyPath() string {
	if c.fixedPath != "" {
		return c.fixedPath
	}
	nodes := make([]regf.KeyNode, 0, len(c.path)+1)
	for _, f := range c.path {
		nodes = append(nodes, f.node)
	}
	if c.key.Offset != 0 { // no cell lies there
		nodes = append(nodes, c.key)
	}
	var names []string
	size := 0
	for i := len(nodes) - 1; i > 0; i-- { // without the root
		if size += len(nodes[i].Name().Raw); size > longestPath {
			names = append(names, "…")
			break
		}
		names = append(names, nodes[i].Name().String())
	}
	slices.Reverse(names)
	return strings.Join(names, `\`)
}
