package disk

import (
	"context"
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// folder is the one folder of the disk.
type folder struct {
	fs.Inode
	disk *Disk
}

// node is a file of the disk.
type node struct {
	fs.Inode
	disk *Disk
	file *file
}

func (n *folder) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Nlink = syscall.S_IFDIR|0o755, 2
	return 0
}

func (n *folder) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	f := n.disk.names[name]
	if f == nil {
		return nil, syscall.ENOENT
	}
	return n.inode(ctx, f, out), 0
}

// inode is that of a file. The library returns an older one of the same number.
func (n *folder) inode(ctx context.Context, f *file, out *fuse.EntryOut) *fs.Inode {
	n.disk.describe(f, &out.Attr)
	return n.NewInode(ctx, &node{disk: n.disk, file: f}, fs.StableAttr{Mode: syscall.S_IFREG, Ino: f.number})
}

func (d *Disk) describe(f *file, out *fuse.Attr) {
	links := uint32(0)
	for _, other := range d.names {
		if other == f {
			links++
		}
	}
	out.Ino, out.Size, out.Mode, out.Nlink = f.number, uint64(len(f.data)), syscall.S_IFREG|f.mode, links
	out.Owner = fuse.Owner{Uid: f.uid, Gid: f.gid}
	out.SetTimes(&f.changed, &f.changed, &f.changed)
}

func (n *folder) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	var entries []fuse.DirEntry
	for name, f := range n.disk.names {
		entries = append(entries, fuse.DirEntry{Name: name, Ino: f.number, Mode: syscall.S_IFREG})
	}
	return fs.NewListDirStream(entries), 0
}

func (n *folder) Create(ctx context.Context, name string, _, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if err := n.disk.begin(takesRoom); err != 0 {
		return nil, nil, 0, err
	}
	if n.disk.names[name] != nil {
		return nil, nil, 0, syscall.EEXIST
	}
	f := n.disk.newFile(mode & 0o777)
	n.disk.names[name] = f
	n.disk.renamed()
	return n.inode(ctx, f, out), nil, fuse.FOPEN_DIRECT_IO, 0
}

func (n *folder) Tmpfile(ctx context.Context, _, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.disk.NoUnnamed {
		return nil, nil, 0, syscall.EOPNOTSUPP
	}
	if err := n.disk.begin(takesRoom); err != 0 {
		return nil, nil, 0, err
	}
	return n.inode(ctx, n.disk.newFile(mode&0o777), out), nil, fuse.FOPEN_DIRECT_IO, 0
}

func (n *folder) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if err := n.disk.begin(takesRoom); err != 0 {
		return nil, err
	}
	if n.disk.names[name] != nil {
		return nil, syscall.EEXIST
	}
	f := target.(*node).file
	n.disk.names[name] = f
	n.disk.renamed()
	return n.inode(ctx, f, out), 0
}

func (n *folder) Unlink(_ context.Context, name string) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if err := n.disk.begin(!takesRoom); err != 0 {
		return err
	}
	delete(n.disk.names, name)
	n.disk.renamed()
	return 0
}

func (n *folder) Rename(_ context.Context, name string, _ fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if err := n.disk.begin(!takesRoom); err != 0 {
		return err
	}
	if flags&unix.RENAME_NOREPLACE != 0 && n.disk.names[newName] != nil {
		return syscall.EEXIST
	}
	n.disk.names[newName] = n.disk.names[name]
	delete(n.disk.names, name)
	n.disk.renamed()
	return 0
}

func (n *folder) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if err := n.disk.begin(!takesRoom); err != 0 {
		return err
	}
	n.disk.synced, n.disk.later = maps.Clone(n.disk.names), nil
	return 0
}

func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	n.disk.describe(n.file, &out.Attr)
	return 0
}

func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if err := n.disk.begin(!takesRoom); err != 0 {
		return err
	}
	f := n.file
	if size, ok := in.GetSize(); ok {
		f.resize(int(size))
	}
	if mode, ok := in.GetMode(); ok {
		f.mode = mode & 0o777
	}
	if uid, ok := in.GetUID(); ok {
		f.uid = uid
	}
	if gid, ok := in.GetGID(); ok {
		f.gid = gid
	}
	if changed, ok := in.GetMTime(); ok {
		f.changed = changed
	}
	n.disk.describe(f, &out.Attr)
	return 0
}

// resize changes the data, of which others may have copies.
func (f *file) resize(size int) {
	data := make([]byte, size)
	copy(data, f.data)
	f.data, f.changed = data, time.Now()
}

func (n *node) Read(_ context.Context, _ fs.FileHandle, to []byte, offset int64) (fuse.ReadResult, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if offset >= int64(len(n.file.data)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(to[:copy(to, n.file.data[offset:])]), 0
}

func (n *node) Write(_ context.Context, _ fs.FileHandle, data []byte, offset int64) (uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if err := n.disk.begin(takesRoom); err != 0 {
		return 0, err
	}
	n.file.resize(max(len(n.file.data), int(offset)+len(data)))
	copy(n.file.data[offset:], data)
	return uint32(len(data)), 0
}

func (n *node) Allocate(_ context.Context, _ fs.FileHandle, offset, size uint64, _ uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if err := n.disk.begin(takesRoom); err != 0 {
		return err
	}
	n.file.resize(max(len(n.file.data), int(offset+size)))
	return 0
}

func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if err := n.disk.begin(!takesRoom); err != 0 {
		return err
	}
	n.file.synced = slices.Clone(n.file.data)
	return 0
}
