package config

import "log/slog"

// Log is the section `log`.
type Log struct {
	// What is written: debug, info, warn or error, each with what is worse.
	// debug writes a line for each connection.
	Level string `key:"level" oneof:"debug info warn error"`
	// How a line looks: text for people, json for machines.
	Format string `key:"format" oneof:"text json"`
}

func (l *Log) setDefaults() {
	l.Level = "info"
	l.Format = "text"
}

// SlogLevel is Level as log/slog has it.
func (l *Log) SlogLevel() slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(l.Level)) != nil {
		return slog.LevelInfo
	}
	return level
}
