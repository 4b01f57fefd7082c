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

const module = "github.com/leaver-dev/leaver"

// Root is the project's folder.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("find the folder of %s: run this from within it: %w", module, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Binaries is where Build and Tool put what they make, below the project's folder.
func Binaries(root string) string { return filepath.Join(root, ".build") }

// Build compiles a package of the project, such as "./worker", and returns the
// program's path.
func Build(ctx context.Context, root, pkg string) (string, error) {
	return build(ctx, root, pkg, filepath.Base(pkg))
}

// Tool finds temporal or tctl on PATH, or else builds the version that tools/
// pins and says so, as that takes some minutes the first time.
func Tool(ctx context.Context, root, name string, say io.Writer) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	packages := map[string]string{
		"temporal": "github.com/temporalio/cli/cmd/temporal",
		"tctl":     "github.com/temporalio/tctl/cmd/tctl",
	}
	if _, err := os.Stat(filepath.Join(Binaries(root), executable(name))); err != nil {
		fmt.Fprintf(say, "Building %s with the Go toolchain: some minutes the first time, then it is cached.\n", name)
	}
	return build(ctx, filepath.Join(root, "tools", name), packages[name], name)
}

func build(ctx context.Context, dir, pkg, name string) (string, error) {
	root := dir
	if filepath.Base(filepath.Dir(dir)) == "tools" {
		root = filepath.Dir(filepath.Dir(dir))
	}
	program := filepath.Join(Binaries(root), executable(name))
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return program, nil
}

func executable(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}
