package graph

import (
	"flag"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/routes.txt")

// The file lists the routes of v1.0 over which the client sends requests, so that
// .ci/run can tell whether an exchange over each was held against Microsoft's schema.
// Every exported method of the client is called here, whatever its parameters are.
func TestTheFileOfRoutesHoldsEveryCall(t *testing.T) {
	t.Parallel()
	const file = "testdata/routes.txt"
	s, client := serve(t, reply(http.StatusOK, `{"value":[]}`))
	methods := reflect.ValueOf(client)
	for i := range methods.NumMethod() {
		method, sent := methods.Method(i), len(s.all())
		if method.Type().NumIn() == 0 { // it tells what is known already
			continue
		}
		var arguments []reflect.Value
		for n := range method.Type().NumIn() {
			argument := reflect.New(method.Type().In(n)).Elem()
			switch {
			case n == 0:
				argument = reflect.ValueOf(t.Context())
			case argument.Kind() == reflect.String:
				argument.SetString(userID)
			}
			arguments = append(arguments, argument)
		}
		method.Call(arguments)
		assert.Greater(t, len(s.all()), sent, "%s sends nothing", methods.Type().Method(i).Name)
	}
	ids := strings.NewReplacer(userID, "{id}", "/mailFolders/inbox/", "/mailFolders/{id}/") // the word stands for a folder's id
	routes := map[string]bool{}
	for _, r := range s.all() {
		path, _, _ := strings.Cut(r.target, "?")
		if path, ok := strings.CutPrefix(path, "/graph/v1.0"); ok { // there is no schema of the beta
			routes[r.method+" "+ids.Replace(path)+"\n"] = true
		}
	}
	want := strings.Join(slices.Sorted(maps.Keys(routes)), "")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, want, string(got), "run this test with -update, and review the change")
}
