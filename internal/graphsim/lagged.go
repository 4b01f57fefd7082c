package graphsim

import (
	"encoding/json"
	"time"
)

// lagged is a value of which reads may lag behind writes, as those of Graph's replicas do. A value that was stored
// is not changed any more: who changes it stores a copy.
type lagged[T any] struct {
	now    T
	before []version[T]
}

type version[T any] struct {
	value T
	until time.Time
}

// Always is a value as it has been for as long as anybody looked.
func Always[T any](value T) lagged[T] { return lagged[T]{now: value} }

// Now is what the value is, whatever reads show.
func (l lagged[T]) Now() T { return l.now }

// set stores a value at a time.
func (l *lagged[T]) set(value T, at time.Time) {
	l.before = append(l.before, version[T]{l.now, at})
	l.now = value
}

// at is what the value was at a time.
func (l *lagged[T]) at(at time.Time) T {
	for _, v := range l.before {
		if at.Before(v.until) {
			return v.value
		}
	}
	return l.now
}

func (l lagged[T]) MarshalJSON() ([]byte, error) { return json.Marshal(l.now) }

func (l *lagged[T]) UnmarshalJSON(text []byte) error {
	*l = lagged[T]{}
	return json.Unmarshal(text, &l.now)
}
