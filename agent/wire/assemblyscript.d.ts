/** Lets tsc read layout.ts, whose constants carry the type that asc needs: an unsigned 32-bit integer. */
declare type u32 = number;
