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

DATA slant<>+0(SB)/1, $0x5c
GLOBL slant<>(SB), RODATA|NOPTR, $1

// func siftAVX2(dst *uint32, slants *uint64, b *byte, start, groups int, tails *uint8) int
TEXT ·siftAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ slants+8(FP), R9
	MOVQ b+16(FP), SI
	MOVQ start+24(FP), AX
	MOVQ groups+32(FP), CX
	MOVQ tails+40(FP), R8
	VPBROADCASTB colon<>(SB), Y0
	VPBROADCASTB newline<>(SB), Y1
	VMOVDQU ender<>(SB), Y2
	VPBROADCASTB slant<>(SB), Y9

group: // where keys or lines end among 64 bytes, as bits of R10
	PREFETCHT0 1024(SI)(AX*1) // what comes, whether it is of b or not: the processor itself does not look ahead beyond a page
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
	VPCMPEQB Y3, Y9, Y7
	VPCMPEQB Y4, Y9, Y8
	VPMOVMSKB Y7, R10
	VPMOVMSKB Y8, R11
	SHLQ $32, R11
	ORQ R11, R10
	MOVQ R10, (R9)
	ADDQ $8, R9
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
	MOVL $1, R14

tail: // the product is that of the function of that name
	MOVL (R9), R11
	ADDQ $4, R9
	MOVL -3(SI)(R11*1), R12
	MOVL R11, (R10)
	IMUL3L $0x3779b100, R12, R13
	SHRL $20, R13
	MOVBLZX (R8)(R13*1), R13
	CMPL R12, $0x21000000
	CMOVLCS R14, R13
	LEAQ (R10)(R13*4), R10
	CMPQ R9, DI
	JNE tail

done:
	SUBQ dst+0(FP), R10
	SHRQ $2, R10
	MOVQ R10, ret+48(FP)
	RET

// func keep(dst *uint64, b *byte, ends *uint32, n int, slots *keySlot, mul uint64, shift uint) int
TEXT ·keep(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DI
	MOVQ b+8(FP), SI
	MOVQ ends+16(FP), R8
	MOVQ n+24(FP), CX
	MOVQ slots+32(FP), R9
	MOVQ shift+48(FP), BX
	MOVQ $0x2222222222222222, R10
	MOVQ $-0x0101010101010101, R11

key: // each is written, and counts if its slot has the same name or if it is no quotation mark
	MOVL (R8), AX
	ADDQ $4, R8
	MOVQ -8(SI)(AX*1), R12
	MOVQ R12, R13
	BSWAPQ R13
	XORQ R10, R13
	LEAQ (R13)(R11*1), DX
	ANDNQ DX, R13, R13
	MOVQ $0x8080808080808080, DX
	ANDQ DX, R13
	TZCNTQ R13, R13 // 7 more than the bits of the name, 64 if it has eight bytes or more
	ANDQ $-8, R13
	NEGQ R13
	SHRXQ R13, R12, R12
	MOVQ R12, DX
	IMULQ mul+40(FP), DX
	SHRXQ BX, DX, DX
	MOVL AX, (DI)
	MOVL DX, 4(DI)
	SHLQ $4, DX
	CMPQ R12, (R9)(DX*1)
	SETEQ R13
	CMPB (SI)(AX*1), $0x22
	SETNE R12
	ORL R12, R13
	MOVBLZX R13, R13
	LEAQ (DI)(R13*8), DI
	DECQ CX
	JNZ key
	SUBQ dst+0(FP), DI
	SHRQ $3, DI
	MOVQ DI, ret+56(FP)
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
