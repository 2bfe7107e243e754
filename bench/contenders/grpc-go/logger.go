package main

import (
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// As many bytes, and as long, as Payment Sim gathers lines before it writes them.
const (
	logBufferBytes    = 32 << 10
	logFlushInterval  = 100 * time.Millisecond
	settlementMessage = "Payment processed successfully"
)

func newLogger(file *os.File) (logger *zap.Logger, stop func()) {
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey = "ts"
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	writer := &zapcore.BufferedWriteSyncer{WS: file, Size: logBufferBytes, FlushInterval: logFlushInterval}
	logger = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoding), writer, zap.InfoLevel))
	return logger, func() { _ = writer.Stop() }
}

func logSettlement(logger *zap.Logger, payment *payment) {
	logger.Info(settlementMessage,
		zap.String("payment_id", payment.id),
		zap.String("reservation_id", payment.reservationID),
		zap.String("status", payment.status.String()),
		zap.String("transaction_id", payment.transactionID),
		zap.String("event_id", payment.eventID),
		zap.Int64("latency_ms", payment.settledAt.Sub(payment.createdAt).Milliseconds()),
	)
}
