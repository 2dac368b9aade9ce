#include "textflag.h"

// What ends a key, if a colon follows, by its lower four bits: a space, a quotation mark, a tab and a carriage return. No other byte is what
// stands in its place, and those from 0x80 on become 0.
DATA ender<>+0(SB)/8, $0x0000000000220020
DATA ender<>+8(SB)/8, $0x00000d0000000900
DATA ender<>+16(SB)/8, $0x0000000000220020
DATA ender<>+24(SB)/8, $0x00000d0000000900
GLOBL ender<>(SB), RODATA|NOPTR, $32

DATA colon<>+0(SB)/1, $0x3a
GLOBL colon<>(SB), RODATA|NOPTR, $1

DATA newline<>+0(SB)/1, $0x0a
GLOBL newline<>(SB), RODATA|NOPTR, $1

// func siftAVX2(dst *uint32, b *byte, start, groups int, tails *uint8) int
TEXT ·siftAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ b+8(FP), SI
	MOVQ start+16(FP), AX
	MOVQ groups+24(FP), CX
	MOVQ tails+32(FP), R8
	VPBROADCASTB colon<>(SB), Y0
	VPBROADCASTB newline<>(SB), Y1
	VMOVDQU ender<>(SB), Y2

group: // where keys or lines end among 64 bytes, as bits of R10
	VMOVDQU (SI)(AX*1), Y3
	VMOVDQU 32(SI)(AX*1), Y4
	VPSHUFB Y3, Y2, Y5
	VPSHUFB Y4, Y2, Y6
	VPCMPEQB Y3, Y5, Y5
	VPCMPEQB Y4, Y6, Y6
	VPCMPEQB 1(SI)(AX*1), Y0, Y7
	VPCMPEQB 33(SI)(AX*1), Y0, Y8
	VPAND Y7, Y5, Y5
	VPAND Y8, Y6, Y6
	VPCMPEQB Y3, Y1, Y3
	VPCMPEQB Y4, Y1, Y4
	VPOR Y3, Y5, Y5
	VPOR Y4, Y6, Y6
	VPMOVMSKB Y5, R10
	VPMOVMSKB Y6, R11
	SHLQ $32, R11
	ORQ R11, R10
	POPCNTQ R10, R12

	// Four are written however many there are: what is too much is written over by the next group.
	TZCNTQ R10, R13
	ADDQ AX, R13
	MOVL R13, (DI)
	BLSRQ R10, R10
	TZCNTQ R10, R13
	ADDQ AX, R13
	MOVL R13, 4(DI)
	BLSRQ R10, R10
	TZCNTQ R10, R13
	ADDQ AX, R13
	MOVL R13, 8(DI)
	BLSRQ R10, R10
	TZCNTQ R10, R13
	ADDQ AX, R13
	MOVL R13, 12(DI)
	BLSRQ R10, R10
	LEAQ 16(DI), R14
	LEAQ (DI)(R12*4), DI
	TESTQ R10, R10
	JZ next

more:
	TZCNTQ R10, R13
	ADDQ AX, R13
	MOVL R13, (R14)
	ADDQ $4, R14
	BLSRQ R10, R10
	JNZ more

next:
	ADDQ $64, AX
	DECQ CX
	JNZ group
	VZEROUPPER

	// Of those, what Keys.ends keeps: each is written, and counts if its tail is in the table or it is white space.
	MOVQ dst+0(FP), R9
	MOVQ R9, R10
	CMPQ R9, DI
	JEQ done

keep:
	MOVL (R9), R11
	ADDQ $4, R9
	MOVL -3(SI)(R11*1), R12
	MOVL R11, (R10)
	MOVL R12, R13
	SHLL $8, R13
	IMUL3L $0x9e3779b1, R13, R13
	SHRL $20, R13
	MOVBLZX (R8)(R13*1), R13
	XORL R14, R14
	CMPL R12, $0x21000000
	SETCS R14
	ORL R14, R13
	LEAQ (R10)(R13*4), R10
	CMPQ R9, DI
	JNE keep

done:
	SUBQ dst+0(FP), R10
	SHRQ $2, R10
	MOVQ R10, ret+40(FP)
	RET

// func prefetch(bloom *uint64, words int, hashes *uint64, n int)
TEXT ·prefetch(SB), NOSPLIT, $0-32
	MOVQ bloom+0(FP), DI
	MOVQ words+8(FP), SI
	MOVQ hashes+16(FP), BX
	MOVQ n+24(FP), CX

place: // as the function of that name: the upper half of a product
	MOVQ (BX), AX
	MULQ SI
	PREFETCHT0 (DI)(DX*8)
	ADDQ $8, BX
	DECQ CX
	JNZ place
	RET
