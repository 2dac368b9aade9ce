// Package exhibit is evidence without a network and without a disk: the manifest that stands for a
// file or a folder of any size, the chunks it is cut into, and the bag (BagIt 1.0, RFC 8493) in which
// it is handed to others. It is pure: files come through io/fs, and go out through a port.
package exhibit
