package graph

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

// Limits bound what one list may take, so that a service that answers without end
// neither fills the worker's memory nor is asked without end. Zero means the default.
type Limits struct {
	// Pages and Rows are how many a list may have: 1,000 and 50,000 by default.
	Pages, Rows int
	// Bytes is how much one answer, and the pages of one list together, may hold: 64 MiB
	// by default.
	Bytes int64
}

func (l Limits) orDefaults() Limits {
	return Limits{Pages: cmp.Or(l.Pages, 1000), Rows: cmp.Or(l.Rows, 50_000), Bytes: cmp.Or(l.Bytes, 64<<20)}
}

// AnswerError means that Graph answered with what it does not document. Its text is safe
// to store.
type AnswerError struct {
	Call, Why string
	RequestID string
	// Lasting says that the same call would be answered so again.
	Lasting bool
}

func (e *AnswerError) Error() string {
	if e.RequestID != "" {
		return e.Call + ": " + e.Why + " (request-id " + e.RequestID + ")"
	}
	return e.Call + ": " + e.Why
}

// HiddenError means that Graph answered without properties that the caller may not read.
type HiddenError struct {
	Call, Property, Permission string
	Token                      TokenKind
}

func (e *HiddenError) Error() string { return e.Call + ": Graph hides " + e.Property }

// list reads a collection, all pages. A field that cannot be read is missing in its
// row, and the other fields and rows are kept.
//
// Microsoft: https://learn.microsoft.com/graph/paging
func list[T any](ctx context.Context, c *Client, call call, endpoint string) ([]T, error) {
	return pages[T](ctx, c, call, endpoint, nil)
}

// pages is list for a call that may send a body, with the request for each page.
func pages[T any](ctx context.Context, c *Client, call call, endpoint string, body any) ([]T, error) {
	var all []T
	var read []string
	size, first := int64(0), endpoint
	for {
		var answer []byte
		if err := c.do(ctx, call, endpoint, body, &answer); err != nil {
			return nil, err
		}
		// Rows take far more memory than their text, so that they are counted before they are read.
		if most := c.limits.Rows - len(all); len(answer) > 2*most && rowsOf(answer) > most {
			return nil, call.endless(fmt.Sprintf("the list has more than %d rows", c.limits.Rows))
		}
		rows, next, err := page[T](answer)
		if err != nil {
			return nil, call.unusable(err.Error())
		}
		all, size = append(all, rows...), size+int64(len(answer))
		if next == "" {
			return all, nil
		}
		read = append(read, endpoint)
		endpoint = next
		// A link to another host would carry the token there.
		target, err := url.Parse(endpoint)
		switch {
		case err != nil || target.Scheme != c.base.Scheme || withoutPort(target) != withoutPort(c.base) || target.User != nil:
			return nil, call.endless("the next page is on another host")
		case !sameCollection(first, target):
			return nil, call.endless("the link to the next page leads to another list")
		case slices.Contains(read, endpoint):
			return nil, call.endless("the link to the next page leads to one that was read already")
		case len(read) >= c.limits.Pages:
			return nil, call.endless(fmt.Sprintf("the list has more than %d pages", c.limits.Pages))
		case len(all) >= c.limits.Rows:
			return nil, call.endless(fmt.Sprintf("the list has more than %d rows", c.limits.Rows))
		case size >= c.limits.Bytes:
			return nil, call.endless(fmt.Sprintf("the list holds more than %d bytes", c.limits.Bytes))
		}
	}
}

// withoutPort is the host of an address without the port of https, which goes without saying.
func withoutPort(u *url.URL) string {
	if u.Scheme == "https" {
		return strings.TrimSuffix(u.Host, ":443")
	}
	return u.Host
}

// sameCollection reports whether an address is of the collection that was asked for. Graph may write the key of a
// user in either form, and for a name the object id.
func sameCollection(asked string, next *url.URL) bool {
	first, err := url.Parse(asked)
	if err != nil {
		return false
	}
	of := func(u *url.URL) (user, path string) {
		path = strings.ReplaceAll(strings.ReplaceAll(ascii.ToLower(u.Path), "('", "/"), "')", "")
		before, after, found := strings.Cut(path, "/users/")
		if !found {
			return "", path
		}
		user, below, _ := strings.Cut(after, "/")
		return user, before + "/users//" + below
	}
	user, path := of(first)
	nextUser, nextPath := of(next)
	return path == nextPath && (user == nextUser || uuid.Validate(user) != nil)
}

// page decodes one page of a list, row by row where it does not fit as a whole.
func page[T any](answer []byte) (rows []T, next string, err error) {
	var whole struct {
		Value    *[]T   `json:"value"`
		NextLink string `json:"@odata.nextLink"`
	}
	if json.Unmarshal(answer, &whole) == nil && whole.Value != nil {
		return *whole.Value, whole.NextLink, nil
	}
	var odd struct {
		Value    *[]json.RawMessage `json:"value"`
		NextLink string             `json:"@odata.nextLink"`
	}
	// An answer without a list must not be taken for an empty one, nor a link that cannot
	// be read for the end.
	if json.Unmarshal(answer, &odd) != nil || odd.Value == nil {
		return nil, "", errors.New("the answer holds no list")
	}
	for _, raw := range *odd.Value {
		rows = append(rows, decode[T](raw))
	}
	return rows, odd.NextLink, nil
}

// rowsOf counts the rows of a page; none in what is no page.
func rowsOf(answer []byte) int {
	var whole struct {
		Value rowCount `json:"value"`
	}
	_ = json.Unmarshal(answer, &whole)
	return int(whole.Value)
}

// rowCount is how many elements an array has.
type rowCount int

func (n *rowCount) UnmarshalJSON(text []byte) error {
	*n = 0
	rows := json.NewDecoder(bytes.NewReader(text))
	if begin, err := rows.Token(); err != nil || begin != json.Delim('[') {
		return err
	}
	var row json.RawMessage
	for rows.More() {
		if err := rows.Decode(&row); err != nil {
			return err
		}
		*n++
	}
	return nil
}

// endless is the error of a list that cannot be read to its end, however often it is
// tried.
func (c call) endless(why string) error { return &AnswerError{Call: c.name, Why: why, Lasting: true} }

// decode decodes a JSON object, and where it does not fit as a whole those fields that
// do: what cannot be read is missing. Nothing can be read of what is no object.
func decode[T any](text []byte) T {
	var whole T
	if json.Unmarshal(text, &whole) == nil {
		return whole
	}
	var kept T
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(text, &fields)
	for name, value := range fields {
		field, _ := json.Marshal(map[string]json.RawMessage{name: value})
		// A field that fails may leave something behind, such as a pointer to false.
		if scratch := new(T); json.Unmarshal(field, scratch) == nil {
			_ = json.Unmarshal(field, &kept)
		}
	}
	return kept
}

// row is an object that is decoded field by field where it does not fit as a whole.
type row[T any] struct{ value T }

func (r *row[T]) UnmarshalJSON(text []byte) error {
	r.value = decode[T](text)
	return nil
}

// bounded ends an answer that is longer than it may be.
type bounded struct {
	policy.Transporter
	most int64
}

func (b bounded) Do(request *http.Request) (*http.Response, error) {
	response, err := b.Transporter.Do(request)
	if err == nil {
		response.Body = &boundedBody{ReadCloser: response.Body, left: b.most}
	}
	return response, err
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

// errTooLong ends an answer that holds more than Limits allow.
var errTooLong = errors.New("the answer holds more than it may")

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}
