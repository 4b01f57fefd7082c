package graphsim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// shows reads $select for a call that answers with entities of a type. Graph takes the names of properties in
// any case; without $select it shows those of byDefault, or all when there are none.
func shows(kind string, all map[string]any, byDefault []string, do func(*Tenant, query) answer) func(*Tenant, query) answer {
	properties := slices.Sorted(maps.Keys(all))
	return func(t *Tenant, q query) answer {
		for i, name := range q.selected {
			at := slices.IndexFunc(properties, func(p string) bool { return strings.EqualFold(p, name) })
			if at < 0 {
				return noProperty("Parsing OData Select and Expand failed: ", name, kind)
			}
			q.selected[i] = properties[at]
		}
		if len(q.selected) > 0 {
			q.context = "(" + strings.Join(q.selected, ",") + ")"
		} else {
			q.selected = byDefault
		}
		return do(t, q)
	}
}

// showsDevices reads $select for managed devices, of which Graph shows all properties by default.
func showsDevices(do func(*Tenant, query) answer) func(*Tenant, query) answer {
	return shows("managedDevice", (&Device{}).properties(&User{}), nil, do)
}

// selected keeps the properties that $select names, or all when it names none.
func selected(q query, all map[string]any) map[string]any {
	if len(q.selected) > 0 {
		maps.DeleteFunc(all, func(name string, _ any) bool { return !slices.Contains(q.selected, name) })
	}
	return all
}

// noProperty refuses the name of a property that a type does not have.
func noProperty(during, name, kind string) answer {
	return fault(http.StatusBadRequest, "BadRequest", during+"Could not find a property named '"+name+"' on type 'microsoft.graph."+kind+"'.")
}

var equals = regexp.MustCompile(`^([\w/]+) eq '((?:[^']|'')*)'$`)

// filtered is the value that $filter asks a property to be equal to.
func filtered(q query) (property, value string, ok bool) {
	parts := equals.FindStringSubmatch(q.options.Get("$filter"))
	if parts == nil {
		return "", "", false
	}
	return parts[1], strings.ReplaceAll(parts[2], "''", "'"), true
}

// wanted keeps the managed devices that $filter asks for, unless Graph refuses it.
func wanted(q query, all []map[string]any) (kept []map[string]any, refusal *answer) {
	if !q.options.Has("$filter") {
		return all, nil
	}
	property, value, ok := filtered(q)
	sample, exists := (&Device{}).properties(&User{})[property]
	_, isText := sample.(string)
	refused := fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	if ok && !exists {
		refused = noProperty("Invalid filter clause: ", property, "managedDevice")
	}
	if !isText || strings.HasSuffix(property, "DateTime") {
		return nil, &refused
	}
	return slices.DeleteFunc(all, func(device map[string]any) bool { return device[property] != value }), nil
}

// page is the part of a list of managed devices that $filter, $top and $skiptoken ask for.
func (t *Tenant) page(q query, context string, all []map[string]any) answer {
	all, refusal := wanted(q, all)
	if refusal != nil {
		return *refusal
	}
	size := cmp.Or(t.settings.PageSize, 1000)
	if top := q.options.Get("$top"); q.options.Has("$top") {
		wanted, err := strconv.Atoi(top)
		if err != nil || wanted < 1 {
			return fault(http.StatusBadRequest, "BadRequest", fmt.Sprintf("Invalid value '%s' for $top query option found.", top))
		}
		size = min(size, wanted)
	}
	from, err := strconv.Atoi(cmp.Or(q.options.Get("$skiptoken"), "0"))
	if err != nil || from < 0 {
		return fault(http.StatusBadRequest, "BadRequest", "Skip token is invalid.")
	}
	from = min(from, len(all))
	to := min(from+size, len(all))
	rows := []any{}
	for _, device := range all[from:to] {
		rows = append(rows, selected(q, device))
	}
	a := collection(context+q.context, rows)
	if q.options.Get("$count") == "true" {
		a.body["@odata.count"] = len(all)
	}
	if to < len(all) {
		next := url.URL{Scheme: "http", Host: q.request.Host, Path: q.request.URL.Path, RawPath: q.request.URL.RawPath}
		q.options.Set("$skiptoken", strconv.Itoa(to))
		next.RawQuery = q.options.Encode()
		a.body["@odata.nextLink"] = next.String()
	}
	return a
}
