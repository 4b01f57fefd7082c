package compose_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stages returns the Dockerfile's instructions, split into words, by stage.
func stages(t *testing.T) [][][]string {
	t.Helper()
	var all [][][]string
	for line := range strings.Lines(read(t, "Dockerfile")) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if words[0] == "FROM" {
			all = append(all, nil)
		}
		require.NotEmpty(t, all, "FROM comes first")
		last := len(all) - 1
		all[last] = append(all[last], words)
	}
	return all
}

func TestTheImageHoldsTheProgramsAndNoSecret(t *testing.T) {
	all := stages(t)
	final := all[len(all)-1]
	assert.Equal(t, []string{"FROM", "scratch"}, final[0])
	for _, words := range final[1:] {
		switch words[0] {
		case "COPY":
			assert.Equal(t, "--from=build", words[1], "nothing from the folder itself")
		case "USER":
			id, err := strconv.Atoi(strings.Split(words[1], ":")[0])
			require.NoError(t, err, "a name needs /etc/passwd, which is not there")
			assert.Positive(t, id, "not root")
		case "ENTRYPOINT":
			assert.Equal(t, `["/worker"]`, words[1])
		default:
			t.Errorf("%s in the final stage", words[0])
		}
	}
	assert.Contains(t, final, []string{"COPY", "--from=build", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/"})
}

func TestTheImageIsBuiltFromProgramsThatExist(t *testing.T) {
	var programs []string
	for _, words := range stages(t)[0] {
		if words[0] == "RUN" && words[2] == "build" {
			for _, word := range words {
				if path, ok := strings.CutPrefix(word, "./"); ok {
					programs = append(programs, filepath.Base(path))
					assert.FileExists(t, filepath.Join(root, path, "main.go"))
				}
			}
		}
	}
	// What Compose and people start in the container.
	assert.ElementsMatch(t, []string{"worker", "starter", "graphsim"}, programs)
}

func TestSecretsAreNotSentToTheBuild(t *testing.T) {
	ignored := strings.Fields(read(t, ".dockerignore"))
	for _, pattern := range []string{".env*", "secrets", ".git*"} {
		assert.Contains(t, ignored, pattern)
	}
}

// workerVariables returns the variables that the worker's configuration knows,
// with their defaults. It reads the source, a program cannot be imported.
func workerVariables(t *testing.T) map[string]string {
	t.Helper()
	path := filepath.Join(root, "worker", "config.go")
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
	require.NoError(t, err)

	structs := map[string]*ast.StructType{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if s, ok := spec.Type.(*ast.StructType); ok {
				structs[spec.Name.Name] = s
			}
		}
		return true
	})
	known := map[string]string{}
	var collect func(name, prefix string)
	collect = func(name, prefix string) {
		require.Contains(t, structs, name)
		for _, field := range structs[name].Fields.List {
			if field.Tag == nil {
				continue
			}
			literal, err := strconv.Unquote(field.Tag.Value)
			require.NoError(t, err)
			tag := reflect.StructTag(literal)
			if inner, ok := tag.Lookup("envPrefix"); ok {
				collect(field.Type.(*ast.Ident).Name, prefix+inner)
			} else if variable, _, _ := strings.Cut(tag.Get("env"), ","); variable != "" {
				known[prefix+variable] = tag.Get("envDefault")
			}
		}
	}
	collect("config", "")
	require.NotEmpty(t, known)
	return known
}
