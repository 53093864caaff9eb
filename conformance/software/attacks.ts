export const attacks = [] as const;
