// logcheck verifies a published log with the code of Go's checksum database (golang.org/x/mod/sumdb), which
// shares nothing with cellveil: notes, checkpoints, every tile against the signed root, every entry, proofs of
// inclusion, consistency with older checkpoints, and proof files.
//
//	logcheck PUBLIC LOGVKEY ROOTVKEY WITNESSVKEYS(,) [OLDER-CHECKPOINT ...] [FILE.tlog-proof ...]
//
// Its tiles are named tile/8/L/N, ours tile/L/N: c2sp.org/tlog-tiles fixes the height. Its keys know type 1
// only; the cosignature's type 4 (c2sp.org/tlog-cosignature) is added below, as the package provides for.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "logcheck: %s: %v\n", what, err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	must(err, path)
	return data
}

// A witness: signs "cosignature/v1\ntime N\n" and the text; its line carries the time.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }
func (w witness) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg)
	return ed25519.Verify(w.key, []byte(signed), sig[8:])
}

func newWitness(vkey string) witness {
	part := strings.SplitN(vkey, "+", 3)
	if len(part) != 3 {
		must(fmt.Errorf("three parts expected"), vkey)
	}
	hash, err := strconv.ParseUint(part[1], 16, 32)
	must(err, vkey)
	key, err := base64.StdEncoding.DecodeString(part[2])
	must(err, vkey)
	sum := sha256.Sum256([]byte(part[0] + "\n" + string(key)))
	if len(key) != 33 || key[0] != 4 || binary.BigEndian.Uint32(sum[:]) != uint32(hash) {
		must(fmt.Errorf("not a cosigner's key, or its hash does not fit"), vkey)
	}
	return witness{part[0], uint32(hash), ed25519.PublicKey(key[1:])}
}

// The tree that a checkpoint's text names.
func treeOf(text, origin string) tlog.Tree {
	first := origin + "\n"
	if !strings.HasPrefix(text, first) {
		must(fmt.Errorf("another origin"), "checkpoint")
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + strings.TrimPrefix(text, first)))
	must(err, "checkpoint")
	return tree
}

func open(data []byte, known note.Verifiers, what string) *note.Note {
	n, err := note.Open(data, known)
	must(err, what)
	return n
}

type tiles struct{ public string }

func (t tiles) Height() int                         { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range want {
		path := strings.TrimPrefix(tile.Path(), "tile/8/")
		data, err := os.ReadFile(filepath.Join(t.public, "log/tile", path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// Every entry of the bundles, in order.
func entries(public string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		tile := tlog.Tile{H: 8, L: 0, N: n, W: 256}
		if size-n*256 < 256 {
			tile.W = int(size - n*256)
		}
		path := filepath.Join(public, "log/tile/entries", strings.TrimPrefix(tile.Path(), "tile/8/0/"))
		for data := read(path); len(data) > 0; {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				must(fmt.Errorf("cut short"), path)
			}
			length := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
	}
	return all
}

// c2sp.org/tlog-proof: a line of version, the index, hashes, an empty line, a checkpoint.
func checkProofFile(path string, known note.Verifiers, origin string, entry [][]byte) {
	head, rest, found := bytes.Cut(read(path), []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		must(fmt.Errorf("not a proof"), path)
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(err, path)
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		must(err, path)
		proof = append(proof, hash)
	}
	tree := treeOf(open(rest, known, path).Text, origin)
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry[index])), path)
}

func main() {
	public := os.Args[1]
	log, err := note.NewVerifier(os.Args[2])
	must(err, "log key")
	root, err := note.NewVerifier(os.Args[3])
	must(err, "root key")
	known := []note.Verifier{log}
	var witnesses []witness
	for _, vkey := range strings.Split(os.Args[4], ",") {
		if vkey != "" {
			witnesses = append(witnesses, newWitness(vkey))
			known = append(known, witnesses[len(witnesses)-1])
		}
	}
	list := note.VerifierList(known...)

	open(read(filepath.Join(public, "keyset")), note.VerifierList(root), "key set")
	n := open(read(filepath.Join(public, "log/checkpoint")), list, "checkpoint")
	if len(n.Sigs) != len(known) || len(n.UnverifiedSigs) != 0 {
		must(fmt.Errorf("%d signatures good, %d unknown", len(n.Sigs), len(n.UnverifiedSigs)), "checkpoint")
	}
	tree := treeOf(n.Text, log.Name())
	hashes := tlog.TileHashReader(tree, tiles{public})

	entry := entries(public, tree.N)
	if int64(len(entry)) != tree.N {
		must(fmt.Errorf("%d of %d", len(entry), tree.N), "entries")
	}
	for i := int64(0); i < tree.N; i++ {
		hash := tlog.RecordHash(entry[i])
		stored, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
		must(err, fmt.Sprintf("leaf %d", i))
		if stored[0] != hash {
			must(fmt.Errorf("entry and tile differ"), fmt.Sprintf("leaf %d", i))
		}
		proof, err := tlog.ProveRecord(tree.N, i, hashes)
		must(err, fmt.Sprintf("leaf %d", i))
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, i, hash), fmt.Sprintf("leaf %d", i))
	}
	for _, path := range os.Args[5:] {
		if strings.HasSuffix(path, ".tlog-proof") {
			checkProofFile(path, list, log.Name(), entry)
			continue
		}
		older := treeOf(open(read(path), note.VerifierList(log), path).Text, log.Name())
		proof, err := tlog.ProveTree(tree.N, older.N, hashes)
		must(err, path)
		must(tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash), path)
	}
	fmt.Printf("%d entries, %d signatures, %d files\n", tree.N, len(n.Sigs), len(os.Args)-5)
}
