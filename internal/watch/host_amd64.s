#include "textflag.h"

// What stops hostAVX2 by its lower four bits: a quotation mark, a percent sign, a colon and a backslash. No other byte is what stands in its place, and those
// from 0x80 on, which become 0, stop it anyway.
DATA stops<>+0(SB)/8, $0x0000250000220001
DATA stops<>+8(SB)/8, $0x0000005c003a0000
DATA stops<>+16(SB)/8, $0x0000250000220001
DATA stops<>+24(SB)/8, $0x0000005c003a0000
GLOBL stops<>(SB), RODATA|NOPTR, $32

DATA dot<>+0(SB)/1, $0x2e
GLOBL dot<>(SB), RODATA|NOPTR, $1

// The last of those that numbers are made of, as far as it is behind the first: dots, slashes and digits.
DATA digit<>+0(SB)/1, $0x0b
GLOBL digit<>(SB), RODATA|NOPTR, $1

// MIX makes AX, the hash so far, with the eight bytes at off before DI, what it is after them, and keeps that.
#define MIX(off, to) \
	MOVQ off(DI), DX; \
	ORQ R15, DX; \
	XORQ AX, DX; \
	MULXQ R14, AX, BX; \
	XORQ BX, AX; \
	MOVQ AX, to(SP)

// END makes AX the hash of the last CX bytes before DI, as hasher.finish does.
#define END \
	MOVQ CX, DX; \
	SHRQ $3, DX; \
	MOVQ DX, BX; \
	NEGQ BX; \
	MOVQ -8(DI)(BX*8), BX; \
	ORQ R15, BX; \
	SHRQ $1, BX; \
	LEAQ (CX*8), AX; \
	NOTQ AX; \
	SHRXQ AX, BX, BX; \
	XORQ (SP)(DX*8), BX; \
	LEAQ (CX)(CX*1), DX; \
	XORQ R13, DX; \
	MULXQ BX, AX, BX; \
	XORQ BX, AX

// func hostAVX2(h *hasher, text *byte, starts *[1 << 10]uint64, hashes *uint64) (n, count int, number bool)
TEXT ·hostAVX2(SB), NOSPLIT, $64-49
	MOVQ h+0(FP), R8
	MOVQ text+8(FP), SI
	MOVQ hashes+24(FP), R9
	XORL R12, R12 // how many hashes there are
	MOVB $0, number+48(FP)
	VMOVDQU stops<>(SB), Y2
	VPBROADCASTB dot<>(SB), Y3
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1

	// What stops as bits of AX, and dots as bits of R11.
	VPSHUFB Y0, Y2, Y4
	VPSHUFB Y1, Y2, Y5
	VPCMPEQB Y0, Y4, Y4
	VPCMPEQB Y1, Y5, Y5
	VPOR Y0, Y4, Y4
	VPOR Y1, Y5, Y5
	VPMOVMSKB Y4, AX
	VPMOVMSKB Y5, BX
	VPCMPEQB Y0, Y3, Y4
	VPCMPEQB Y1, Y3, Y5
	VPMOVMSKB Y4, R11
	VPMOVMSKB Y5, CX
	SHLQ $32, BX
	ORQ BX, AX
	JZ odd
	SHLQ $32, CX
	ORQ CX, R11
	TZCNTQ AX, R10
	CMPB (SI)(R10*1), $0x22
	JNE odd
	MOVQ R10, n+32(FP)
	BZHIQ R10, R11, R11
	TESTQ R10, R10
	JZ done
	CMPB (SI), $0x2a
	JE odd
	LEAQ (SI)(R10*1), DI
	CMPB -1(DI), $0x2e
	JEQ trailing

hash: // of R10 bytes before DI
	MOVQ $0x2020202020202020, R15
	MOVQ 8(R8), R14
	MOVQ 16(R8), R13
	MOVQ (R8), AX
	MOVQ AX, 0(SP)
	MIX(-8, 8)
	MIX(-16, 16)
	MIX(-24, 24)
	CMPQ R10, $32
	JCS whole
	MOVQ $32, CX

more:
	MOVQ DI, DX
	SUBQ CX, DX
	MOVQ (DX), DX
	ORQ R15, DX
	XORQ AX, DX
	MULXQ R14, AX, BX
	XORQ BX, AX
	MOVQ AX, (SP)(CX*1)
	ADDQ $8, CX
	CMPQ CX, R10
	JLS more

whole:
	MOVQ R10, CX
	END
	MOVQ AX, (R9)
	MOVL $1, R12

	// What begins and ends with a digit and has nothing but digits and dots has no names above it.
	MOVBLZX (SI), AX
	MOVBLZX -1(DI), BX
	SUBL $0x30, AX
	SUBL $0x30, BX
	CMPL AX, $9
	JHI name
	CMPL BX, $9
	JHI name
	CMPQ R10, $15
	JHI name
	VPBROADCASTB digit<>(SB), X4
	VPSUBB X3, X0, X0
	VPMINUB X4, X0, X4
	VPCMPEQB X4, X0, X0
	VPMOVMSKB X0, AX
	NOTL AX
	BZHIL R10, AX, AX
	TESTL AX, AX
	JNZ name
	MOVB $1, number+48(FP)
	CMPQ R10, $7
	JCS done

	// An address counts if one that is looked for begins with the same two numbers, see twoNumbers.
	MOVBLZX R11, R11
	BLSRQ R11, R11
	TZCNTQ R11, CX
	SHLQ $3, CX
	MOVL $57, AX
	CMPQ CX, $64
	CMOVQCC AX, CX
	MOVQ (SI), DX
	BZHIQ CX, DX, DX
	MOVQ $0x9e3779b97f4a7c15, AX
	IMULQ AX, DX
	SHRQ $48, DX
	MOVQ DX, CX
	SHRQ $6, DX
	MOVQ starts+16(FP), AX
	MOVQ (AX)(DX*8), R12
	SHRXQ CX, R12, R12
	ANDL $1, R12
	JMP done

name: // and what is right of each dot but the last
	BLSRQ R11, AX
	JZ done

above:
	TZCNTQ R11, CX
	NOTQ CX
	ADDQ R10, CX
	MOVQ AX, R11
	END
	MOVQ AX, (R9)(R12*8)
	INCL R12
	BLSRQ R11, AX
	JNZ above
	JMP done

trailing:
	SUBQ $1, R10
	JZ odd
	SUBQ $1, DI
	BTRQ R10, R11
	JMP hash

odd:
	MOVQ $-1, n+32(FP)

done:
	MOVQ R12, count+40(FP)
	VZEROUPPER
	RET
