package stack

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Root is the project's folder.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/leaver-dev/leaver").Output()
	if err != nil {
		return "", fmt.Errorf("find the project's folder: run this from within it: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Binaries is where Build and Tool put what they make, below the project's folder.
func Binaries(root string) string { return filepath.Join(root, ".build") }

// Build compiles a package of the project, such as "./worker", and returns the
// program's path.
func Build(ctx context.Context, root, pkg string) (string, error) {
	return build(ctx, root, pkg, program(root, filepath.Base(pkg)))
}

// Tool finds temporal or tctl on PATH, or else builds the version that tools/
// pins and says so, as that takes some minutes the first time.
func Tool(ctx context.Context, root, name string, say io.Writer) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	path := program(root, name)
	if _, err := os.Stat(path); err != nil {
		fmt.Fprintf(say, "Building %s with the Go toolchain: some minutes the first time, then it is cached.\n", name)
	}
	return build(ctx, filepath.Join(root, "tools", name), "tool", path)
}

func program(root, name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(Binaries(root), name)
}

func build(ctx context.Context, dir, pkg, program string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", program, err, out)
	}
	return program, nil
}
